#include "luks/display_text.h"

#include "base/utf8.h"

namespace luksdetached::luks {

std::string display_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = shown_character_bytes(text);
    shown += size == 0 ? "?" : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return shown;
}

std::string display_name(std::string_view name) {
  constexpr std::size_t longest = 40;
  return display_text(name.substr(0, longest));
}

}  // namespace luksdetached::luks
