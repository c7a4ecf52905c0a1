// A cursor in the JSON of a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace luksdetached::luks {

/// A JSON value that knows where it stands, so that every complaint names the place. It refers to
/// the document, which must outlive it. What is not as the caller wants it is header_damaged.
class Node {
 public:
  Node(const nlohmann::json& value, std::string path) : value_(value), path_(std::move(path)) {}

  /// Where it stands, such as keyslots.0.area; empty for the document itself.
  const std::string& path() const { return path_; }

  /// A header_damaged error: "JSON PATH WHAT".
  Error complaint(const std::string& what) const;

  bool has(const std::string& name) const { return value_.contains(name); }
  std::size_t size() const { return value_.size(); }

  /// The value itself.
  const nlohmann::json& value() const { return value_; }

  /// The member `name`, which must be there; `object` and `array` must be one, too.
  Node child(const std::string& name) const;
  Node object(const std::string& name) const;
  Node array(const std::string& name) const;

  /// A member that is a string of printable ASCII and not empty.
  std::string text(const std::string& name) const;
  /// A member that is any string but the empty one, made fit to be shown.
  std::string shown_text(const std::string& name) const;
  /// A member that is a whole number from 0 to 2^32 - 1.
  std::uint32_t u32(const std::string& name) const;
  /// The same, but not 0.
  std::uint32_t positive_u32(const std::string& name) const;
  /// A member that is a string of decimal digits, as LUKS2 writes 64-bit numbers.
  std::uint64_t u64(const std::string& name) const;
  /// A member that is a string of base64 for exactly `size` bytes, or for any number of them.
  std::vector<std::byte> base64(const std::string& name) const;
  std::vector<std::byte> base64(const std::string& name, std::size_t size) const;
  /// The strings in the array `name`, made fit to be shown; none when there is no such member.
  std::vector<std::string> shown_texts(const std::string& name) const;
  /// The numbers in the array `name`, whose elements are strings; each is a member of `target`.
  std::set<unsigned> references(const std::string& name, const Node& target) const;

  /// Calls `use` for each member: objects named by numbers from 0 to 31, in any order.
  void for_each_numbered(const std::function<void(unsigned id, const Node& node)>& use) const;

 private:
  std::string member_path(const std::string& name) const;
  const std::string& as_string() const;
  std::string as_text() const;
  std::vector<Node> elements(const std::string& name) const;

  const nlohmann::json& value_;
  std::string path_;
};

}  // namespace luksdetached::luks
