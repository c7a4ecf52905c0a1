#include "metrics/exposition.h"

#include <array>
#include <charconv>

namespace luksdetached {

namespace {

std::string_view type_word(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::counter:
      return "counter";
    case Exposition::Type::gauge:
      return "gauge";
    case Exposition::Type::histogram:
      return "histogram";
  }
  return {};
}

// Appends `value`, with a backslash before what is in `special`, and a newline as \n.
void append_escaped(std::string& text, std::string_view value, std::string_view special) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
}

}  // namespace

std::string number_text(double value) {
  std::array<char, 400> digits{};  // the smallest numbers have almost as many
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
  return {digits.data(), end};
}

void Exposition::begin(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ");
  append_escaped(text_, help, "\\");
  text_.append("\n# TYPE ").append(name).append(" ").append(type_word(type)).append("\n");
}

void Exposition::part(std::string_view suffix, Labels labels, std::uint64_t value) {
  put_name(suffix, labels);
  text_.append(std::to_string(value)).append("\n");
}

void Exposition::part(std::string_view suffix, Labels labels, double value) {
  put_name(suffix, labels);
  text_.append(number_text(value)).append("\n");
}

void Exposition::put_name(std::string_view suffix, Labels labels) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [label, value] : labels) {
    text_ += separator;
    text_.append(label).append("=\"");
    append_escaped(text_, value, "\\\"");
    text_ += '"';
    separator = ',';
  }
  text_.append(labels.size() == 0 ? " " : "} ");
}

}  // namespace luksdetached
