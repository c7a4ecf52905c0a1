#include "log/log_text.h"

#include <array>
#include <cstdio>

#include "base/utf8.h"

namespace luksdetached {

namespace {

std::string as_hex(char byte) {
  std::array<char, 5> text{};
  std::snprintf(text.data(), text.size(), "\\x%02x", static_cast<unsigned char>(byte));
  return text.data();
}

std::string escaped(std::string_view text, std::size_t most, bool in_quotes) {
  std::string result;
  while (!text.empty()) {
    const std::size_t shown = shown_character_bytes(text);
    const std::size_t bytes = shown == 0 ? 1 : shown;
    std::string next = shown == 0 ? as_hex(text.front()) : std::string(text.substr(0, shown));
    if (in_quotes && (next == "\"" || next == "\\")) next = {'\\', text.front()};
    if (result.size() + next.size() > most) return result + "…";
    result += next;
    text.remove_prefix(bytes);
  }
  return result;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  return escaped(text, most, false);
}

std::string quoted(std::string_view text, std::size_t most) {
  return '"' + escaped(text, most, true) + '"';
}

}  // namespace luksdetached
