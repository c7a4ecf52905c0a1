#include "segment_cipher.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "luks2_copy.h"

namespace luksdetached::edit {

namespace {

// LUKS1: cryptsetup's docs/on-disk-format, section 2.1.
constexpr std::size_t name_at = 8, mode_at = 40, text_bytes = 32;

Error too_long(const std::string& what) {
  return {ErrorKind::usage, what + " has no room in the header"};
}

// With zeros behind it.
void store_text(std::span<std::byte> field, std::string_view text) {
  if (text.size() >= field.size()) throw too_long(std::string(text));
  std::ranges::fill(field, std::byte{0});
  std::ranges::copy(std::as_bytes(std::span(text)), field.begin());
}

void store_luks1(std::span<std::byte> image, const std::string& cipher) {
  const std::size_t dash = cipher.find('-');
  store_text(image.subspan(name_at, text_bytes), std::string_view(cipher).substr(0, dash));
  store_text(image.subspan(mode_at, text_bytes), std::string_view(cipher).substr(dash + 1));
}

void store_luks2(std::span<std::byte> copy, const std::string& cipher) {
  change_luks2_copy(copy, [&](nlohmann::ordered_json& json) {
    for (auto& segment : json.at("segments")) segment.at("encryption") = cipher;
  });
}

}  // namespace

LoadedHeader with_segment_cipher(const LoadedHeader& before, const std::string& cipher) {
  LoadedHeader after = before;
  const std::span<std::byte> image(after.image);
  if (before.header.version == 1) {
    store_luks1(image, cipher);
  } else {
    const std::size_t size = before.header.copies[1].offset;
    store_luks2(image.first(size), cipher);
    store_luks2(image.subspan(size, size), cipher);
  }
  after.header = luks::parse_header(after.image);
  return after;
}

}  // namespace luksdetached::edit
