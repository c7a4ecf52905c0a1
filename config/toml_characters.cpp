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

// Bytes of the character that `text`, which is not empty, begins with; 0 when it begins with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_large = first == 0xf4 && second >= 0x90;
  return too_long || surrogate || too_large ? 0 : bytes;
}

}  // namespace

std::optional<TextPlace> find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = character_bytes(text.substr(at));
    if (bytes == 0) return place_of(text, at);
    at += bytes;
  }
  return std::nullopt;
}

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
