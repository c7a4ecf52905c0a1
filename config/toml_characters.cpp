#include "config/toml_characters.h"

#include <algorithm>

namespace luksdetached {

namespace {

constexpr std::string_view basic = "\"";
constexpr std::string_view literal = "'";
constexpr std::string_view long_basic = R"(""")";
constexpr std::string_view long_literal = "'''";

// Where the string ends whose opening `quotes` end at `at`; the end of the text if it never does.
std::size_t end_of_string(std::string_view text, std::size_t at, std::string_view quotes) {
  const bool one_line = quotes.size() == 1;
  const bool has_escapes = quotes.front() == '"';
  while (at < text.size()) {
    if (text.substr(at).starts_with(quotes)) return at + quotes.size();
    if (one_line && text[at] == '\n') return at;  // a mistake, which the parser names
    at += has_escapes && text[at] == '\\' ? 2 : 1;
  }
  return text.size();
}

TextPlace place_of(std::string_view text, std::size_t offset) {
  TextPlace place{1, 1};
  for (const char c : text.substr(0, offset)) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (c == '\n') {
      place = {place.line + 1, 1};
    } else if (!continues) {
      ++place.column;
    }
  }
  return place;
}

}  // namespace

std::optional<TextPlace> find_non_ascii(std::size_t start, std::string_view text) {
  std::size_t at = start;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    if (static_cast<unsigned char>(rest.front()) >= 0x80) return place_of(text, at);
    if (rest.front() == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    std::size_t next = at + 1;
    for (const std::string_view quotes : {long_basic, long_literal, basic, literal}) {
      if (!rest.starts_with(quotes)) continue;
      next = end_of_string(text, at + quotes.size(), quotes);
      break;
    }
    at = next;
  }
  return std::nullopt;
}

}  // namespace luksdetached
