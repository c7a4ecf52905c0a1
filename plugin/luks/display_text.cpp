#include "luks/display_text.h"

#include <cstddef>
#include <cstdint>

namespace luksdetached::luks {

namespace {

constexpr std::uint32_t delete_character = 0x7f;
constexpr std::uint32_t last_control = 0x9f;  // ISO 6429 has a second set from 0x80
constexpr std::uint32_t first_surrogate = 0xd800;
constexpr std::uint32_t last_surrogate = 0xdfff;
constexpr std::uint32_t last_character = 0x10ffff;

// How many bytes the character has that begins `text` (RFC 3629, section 3), or 0 when there is
// none that can be shown.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t size = 1;
  std::uint32_t code = first;
  std::uint32_t least = 0x20;
  if (first >= 0xf0) {
    size = 4;
    code = first & 0x07U;
    least = 0x10000;
    if (first > 0xf7) return 0;
  } else if (first >= 0xe0) {
    size = 3;
    code = first & 0x0fU;
    least = 0x800;
  } else if (first >= 0xc0) {
    size = 2;
    code = first & 0x1fU;
    least = last_control + 1;
  } else if (first >= delete_character) {
    return 0;
  }
  if (text.size() < size) return 0;
  for (const char c : text.substr(1, size - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80) return 0;
    code = code << 6 | (byte & 0x3fU);
  }
  if (code < least || code > last_character) return 0;
  if (code >= first_surrogate && code <= last_surrogate) return 0;
  return size;
}

}  // namespace

std::string display_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    shown += size == 0 ? "?" : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return shown;
}

}  // namespace luksdetached::luks
