#include "config/toml_section.h"

#include <algorithm>

namespace luksdetached {

void Mistakes::add(const toml::source_region& where, std::string message) {
  add(where.begin.line, where.begin.column, std::move(message));
}

void Mistakes::add(unsigned line, unsigned column, std::string message) {
  // toml++ has no place for what is not in the file, such as its root.
  list_.push_back({std::max(line, 1U), std::max(column, 1U), std::move(message)});
}

void Mistakes::throw_if_any(std::string_view file) {
  if (list_.empty()) return;
  std::stable_sort(list_.begin(), list_.end(), [](const ConfigMistake& a, const ConfigMistake& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  throw ConfigError(file, std::move(list_));
}

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 80)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return text.size() > 80 ? shown + "…" : shown;
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

const toml::node* Section::take(std::string_view key) {
  known_.insert(std::string(key));
  return table_.get(key);
}

void Section::wrong_type(std::string_view key, const toml::node& node, std::string_view expected) {
  mistakes_.add(node.source(), std::string(key) + " in " + title_ + " must be " +
                                   std::string(expected) + ", not " + type_word(node));
}

void Section::missing(std::string_view key) {
  mistakes_.add(where(), std::string(key) + " is missing in " + title_);
}

void Section::report_unknown_keys() {
  std::string keys;
  for (const std::string& name : known_) keys += (keys.empty() ? "" : ", ") + name;
  for (const auto& [key, node] : table_) {
    if (known_.contains(std::string(key.str()))) continue;
    mistakes_.add(key.source(), "unknown key '" + printable(key.str()) + "' in " + title_ +
                                    " (known: " + keys + ")");
  }
}

}  // namespace luksdetached
