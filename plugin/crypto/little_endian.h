// Little-endian numbers in bytes, as ciphers of the last decades have them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luksdetached {

/// The number in the sizeof(Number) bytes from `bytes` on.
template <typename Number>
Number load_little_endian(const std::byte* bytes) noexcept {
  Number value = 0;
  for (std::size_t n = 0; n < sizeof value; ++n) {
    value |= std::to_integer<Number>(bytes[n]) << (8 * n);
  }
  return value;
}

/// Writes sizeof(Number) bytes from `bytes` on.
template <typename Number>
void store_little_endian(std::byte* bytes, Number value) noexcept {
  for (std::size_t n = 0; n < sizeof value; ++n) {
    bytes[n] = static_cast<std::byte>(value >> (8 * n));
  }
}

}  // namespace luksdetached
