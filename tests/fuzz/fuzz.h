// What the fuzz targets share. An input may be refused with an Error, whose message is for people;
// anything else that is thrown, and whatever the sanitizers see, is a finding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "../luks/header_builder.h"
#include "base/error.h"
#include "luks/header.h"

namespace luksdetached::fuzz {

inline constexpr std::size_t copy_bytes = 16384;
inline constexpr std::size_t max_json = copy_bytes - testing::luks2::binary_bytes;
inline constexpr std::string_view secret = "secret";

inline testing::Bytes as_bytes(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  return {bytes, bytes + size};
}

/// Messages go to logs and terminals: one printable line, not longer than a person reads.
inline void check_message(const Error& error) {
  const std::string_view text = error.what();
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (text.empty() || text.size() > 2000 || !printable) {
    std::cerr << "a message that is not for people: " << text << std::endl;
    std::abort();
  }
}

/// Parses a header; what it says must fit together.
inline void parse(std::span<const std::byte> bytes) {
  try {
    const luks::Header header = luks::parse_header(bytes);
    if (!header.refusals.empty()) return;
    if (header.key_material_end > header.end || header.end > luks::max_header_bytes) std::abort();
    for (const luks::Keyslot& slot : header.keyslots) {
      if (slot.area_offset + slot.area_bytes > header.end) std::abort();
    }
  } catch (const Error& error) {
    check_message(error);
  }
}

/// A small LUKS1 volume's header with key slots 0 and 7.
inline testing::Bytes luks1_volume() {
  testing::Luks1Image image;
  image.add_key(0, secret);
  image.add_key(7, secret);
  return image.bytes;
}

/// A small LUKS2 volume's header with key slots 0 and 1.
inline testing::Luks2Image luks2_volume() {
  testing::Luks2Image image;
  image.add_key(0, secret);
  image.add_key(1, secret);
  return image;
}

}  // namespace luksdetached::fuzz
