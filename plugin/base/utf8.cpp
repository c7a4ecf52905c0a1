#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace luksdetached {

namespace {

struct Range {
  std::uint32_t first, last;
};

constexpr std::uint32_t last_character = 0x10ffff;
constexpr Range hidden[] = {
    {0x00, 0x1f},      // control characters
    {0x7f, 0x9f},      // delete, and ISO 6429's second set of them
    {0x200b, 0x200f},  // no width, marks of direction
    {0x2028, 0x202e},  // line and paragraph separators, embedded directions
    {0x2060, 0x206f},  // no width, isolated directions
    {0xd800, 0xdfff},  // surrogates, which are no characters
    {0xfeff, 0xfeff},  // byte order mark
};

}  // namespace

std::size_t shown_character_bytes(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t size = 1;
  std::uint32_t code = first;
  std::uint32_t least = 0;  // a smaller one has a shorter form
  if (first > 0xf7 || (first >= 0x80 && first < 0xc0)) return 0;
  if (first >= 0xf0) {
    size = 4;
    code = first & 0x07U;
    least = 0x10000;
  } else if (first >= 0xe0) {
    size = 3;
    code = first & 0x0fU;
    least = 0x800;
  } else if (first >= 0xc0) {
    size = 2;
    code = first & 0x1fU;
    least = 0x80;
  }
  if (text.size() < size) return 0;
  for (const char c : text.substr(1, size - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80) return 0;
    code = code << 6 | (byte & 0x3fU);
  }
  if (code < least || code > last_character) return 0;
  const bool is_hidden = std::any_of(std::begin(hidden), std::end(hidden), [&](const Range& range) {
    return range.first <= code && code <= range.last;
  });
  return is_hidden ? 0 : size;
}

}  // namespace luksdetached
