// Argon2 (RFC 9106, version 0x13), the memory-hard key derivation of LUKS2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace luksdetached {

enum class Argon2Variant { i, id };

/// What LUKS2 calls time, memory and cpus (docs/on-disk-format-luks2, section 3.1).
struct Argon2Cost {
  std::uint32_t time;        ///< passes, 1 or more
  std::uint32_t memory_kib;  ///< 8 × lanes or more
  std::uint32_t lanes;       ///< 1 or more; as many threads are used as there are CPUs for them
};

/// Derives `key.size()` bytes (4 or more) from `secret` and `salt` (8 bytes or more). The working
/// memory is kept out of core dumps and wiped, but not locked: it is too large for that. One
/// derivation runs at a time in a process; others wait. Throws Error(key_derivation) before it
/// starts when this machine or the control group has not enough memory left.
void argon2(Argon2Variant variant, std::span<const std::byte> secret,
            std::span<const std::byte> salt, const Argon2Cost& cost, std::span<std::byte> key);

}  // namespace luksdetached
