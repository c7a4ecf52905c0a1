#include "segment_cipher.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "crypto/hash.h"

namespace luksdetached::edit {

namespace {

// LUKS1: cryptsetup's docs/on-disk-format, section 2.1.
constexpr std::size_t name_at = 8, mode_at = 40, text_bytes = 32;
// LUKS2: cryptsetup's docs/on-disk-format-luks2, section 2.1.
constexpr std::size_t binary_bytes = 4096, checksum_at = 448, checksum_bytes = 64;

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

// One copy of LUKS2's metadata, whose checksum libcryptsetup has made with SHA-256.
void store_luks2(std::span<std::byte> copy, const std::string& cipher) {
  const std::span<std::byte> area = copy.subspan(binary_bytes);
  const auto* const text = reinterpret_cast<const char*>(area.data());
  const std::string_view old(
      text, static_cast<std::size_t>(std::ranges::find(area, std::byte{0}) - area.begin()));
  auto json = nlohmann::ordered_json::parse(old);
  for (auto& segment : json.at("segments")) segment.at("encryption") = cipher;
  store_text(area, json.dump());
  const std::span<std::byte> checksum = copy.subspan(checksum_at, checksum_bytes);
  std::ranges::fill(checksum, std::byte{0});
  std::array<std::byte, 32> digest{};
  const std::span<const std::byte> parts[] = {copy};
  hash_bytes(Hash::sha256, parts, digest);
  std::ranges::copy(digest, checksum.begin());
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
