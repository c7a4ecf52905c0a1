// A line of the log for programs to read: "audit event=open export="vm1" uid=1000".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace luksdetached {

/// Fields in the order in which they are added. No value can look like another field or line: text
/// is as `quoted` makes it.
class AuditLine {
 public:
  /// `event` and all keys and words are ours: letters, digits and hyphens.
  explicit AuditLine(std::string_view event);

  AuditLine& word(std::string_view key, std::string_view word);
  AuditLine& number(std::string_view key, std::int64_t value);
  /// At most `most` bytes of `value`, as `quoted` counts them.
  AuditLine& text(std::string_view key, std::string_view value, std::size_t most = 700);

  const std::string& line() const noexcept { return line_; }

 private:
  std::string line_;
};

}  // namespace luksdetached
