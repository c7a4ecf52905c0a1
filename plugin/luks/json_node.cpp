#include "luks/json_node.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "luks/base64.h"
#include "luks/display_text.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr unsigned max_id = 31;

// The number that `text` spells in the one way that LUKS2 does.
template <typename Integer>
std::optional<Integer> decimal(const std::string& text) {
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<unsigned> parse_id(const std::string& name) {
  const std::optional<unsigned> id = decimal<unsigned>(name);
  if (!id || *id > max_id || std::to_string(*id) != name) return std::nullopt;
  return id;
}

}  // namespace

std::string Node::member_path(const std::string& name) const {
  return path_.empty() ? display_name(name) : path_ + "." + display_name(name);
}

Error Node::complaint(const std::string& what) const {
  return damaged("JSON " + path_ + " " + what);
}

Node Node::child(const std::string& name) const {
  const auto found = value_.find(name);
  if (found == value_.end()) throw damaged("JSON " + member_path(name) + " is missing");
  return {*found, member_path(name)};
}

Node Node::object(const std::string& name) const {
  Node node = child(name);
  if (!node.value_.is_object()) throw node.complaint("is not an object");
  return node;
}

Node Node::array(const std::string& name) const {
  Node node = child(name);
  if (!node.value_.is_array()) throw node.complaint("is not an array");
  return node;
}

const std::string& Node::as_string() const {
  if (!value_.is_string()) throw complaint("is not a string");
  const auto& text = value_.get_ref<const std::string&>();
  if (text.empty()) throw complaint("is empty");
  return text;
}

std::string Node::as_text() const {
  const std::string& text = as_string();
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (!printable) throw complaint("holds characters that are not printable ASCII");
  return text;
}

std::string Node::text(const std::string& name) const {
  return child(name).as_text();
}

std::string Node::shown_text(const std::string& name) const {
  return display_text(child(name).as_string());
}

std::uint32_t Node::u32(const std::string& name) const {
  const Node node = child(name);
  if (!node.value_.is_number_unsigned() || node.value_.get<std::uint64_t>() > UINT32_MAX) {
    throw node.complaint("is not a whole number from 0 to 4294967295");
  }
  return node.value_.get<std::uint32_t>();
}

std::uint32_t Node::positive_u32(const std::string& name) const {
  const std::uint32_t number = u32(name);
  if (number == 0) throw child(name).complaint("is 0");
  return number;
}

std::uint64_t Node::u64(const std::string& name) const {
  const Node node = child(name);
  const std::optional<std::uint64_t> number = decimal<std::uint64_t>(node.as_string());
  if (!number) throw node.complaint("is not a decimal number below 2^64");
  return *number;
}

std::vector<std::byte> Node::base64(const std::string& name) const {
  const Node node = child(name);
  std::optional<std::vector<std::byte>> bytes = decode_base64(node.as_text());
  if (!bytes) throw node.complaint("is not base64");
  return std::move(*bytes);
}

std::vector<std::byte> Node::base64(const std::string& name, std::size_t size) const {
  std::vector<std::byte> bytes = base64(name);
  if (bytes.size() != size) {
    throw child(name).complaint("has " + std::to_string(bytes.size()) + " bytes instead of " +
                                std::to_string(size));
  }
  return bytes;
}

std::vector<Node> Node::elements(const std::string& name) const {
  const Node list = array(name);
  std::vector<Node> nodes;
  for (const nlohmann::json& element : list.value_) {
    nodes.emplace_back(element, list.path_ + "[" + std::to_string(nodes.size()) + "]");
  }
  return nodes;
}

std::vector<std::string> Node::shown_texts(const std::string& name) const {
  std::vector<std::string> texts;
  if (!has(name)) return texts;
  for (const Node& element : elements(name)) texts.push_back(display_text(element.as_string()));
  return texts;
}

std::set<unsigned> Node::references(const std::string& name, const Node& target) const {
  std::set<unsigned> ids;
  for (const Node& element : elements(name)) {
    const std::string& id = element.as_string();
    const std::optional<unsigned> number = parse_id(id);
    if (!number || !target.has(id)) {
      throw element.complaint("refers to " + target.member_path(id) + ", which does not exist");
    }
    ids.insert(*number);
  }
  return ids;
}

void Node::for_each_numbered(const std::function<void(unsigned id, const Node& node)>& use) const {
  for (const auto& [name, member] : value_.items()) {
    const Node node(member, member_path(name));
    const std::optional<unsigned> id = parse_id(name);
    if (!id) throw node.complaint("is not numbered from 0 to 31");
    if (!member.is_object()) throw node.complaint("is not an object");
    use(*id, node);
  }
}

}  // namespace luksdetached::luks
