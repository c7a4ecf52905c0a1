#include "log/audit_line.h"

#include "log/log_text.h"

namespace luksdetached {

AuditLine::AuditLine(std::string_view event) : line_("audit event=") {
  line_ += event;
}

AuditLine& AuditLine::word(std::string_view key, std::string_view word) {
  line_ += ' ';
  line_ += key;
  line_ += '=';
  line_ += word;
  return *this;
}

AuditLine& AuditLine::number(std::string_view key, std::int64_t value) {
  return word(key, std::to_string(value));
}

AuditLine& AuditLine::text(std::string_view key, std::string_view value, std::size_t most) {
  return word(key, quoted(value, most));
}

}  // namespace luksdetached
