#include "config/toml_section.h"

#include <algorithm>

#include "config/near_miss.h"

namespace luksdetached {

void Mistakes::add(const toml::source_region& where, std::string message) {
  add(where.begin.line, where.begin.column, std::move(message));
}

void Mistakes::add(unsigned line, unsigned column, std::string message) {
  // toml++ has no place for what is not in the file, such as its root.
  list_.push_back({std::max(line, 1U), std::max(column, 1U), printable(std::move(message))});
}

void Mistakes::throw_if_any(std::string_view file) {
  if (list_.empty()) return;
  std::stable_sort(list_.begin(), list_.end(), [](const ConfigMistake& a, const ConfigMistake& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  throw ConfigError(file, std::move(list_));
}

std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t most = 80;
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  const auto inside_character = [&] { return (text[end] & 0xc0) == 0x80; };
  while (inside_character()) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string type_word(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::none:
      break;
    default:
      return "a date or time";
  }
  return "nothing";
}

bool has_control(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_control(text[at])) return true;
    const bool c1 = text[at] == '\xc2' && at + 1 < text.size() &&
                    static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (c1) return true;
  }
  return false;
}

std::optional<std::string> Section::text_of(std::string_view key, const toml::node& node) {
  auto text = node.value_exact<std::string>();
  if (!text || !has_control(*text)) return text;
  mistakes_.add(node.source(), std::string(key) + " in " + title_ + " holds a control character");
  return std::nullopt;
}

const toml::node* Section::take(std::string_view key) {
  known_.insert(std::string(key));
  return table_.get(key);
}

void Section::wrong_type(std::string_view key, const toml::node& node, std::string_view expected) {
  mistakes_.add(node.source(), std::string(key) + " in " + title_ + " must be " +
                                   std::string(expected) + ", not " + type_word(node));
}

void Section::missing(std::string_view what) {
  mistakes_.add(where(), std::string(what) + " is missing in " + title_);
}

void Section::report_unknown_keys() {
  std::string keys;
  for (const std::string& name : known_) keys += (keys.empty() ? "" : ", ") + name;
  for (const auto& [key, node] : table_) {
    if (known_.contains(std::string(key.str()))) continue;
    const std::string meant = near_miss(key.str(), known_);
    mistakes_.add(key.source(), "unknown key '" + shortened(key.str()) + "' in " + title_ +
                                    " (known: " + keys + ")" +
                                    (meant.empty() ? "" : "; did you mean " + meant + "?"));
  }
}

}  // namespace luksdetached
