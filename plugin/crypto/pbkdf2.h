// PBKDF2 with HMAC (RFC 8018, section 5.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/hash.h"

namespace luksdetached {

/// Derives `key.size()` bytes (at least 1) from `secret` and `salt`. `iterations` is 1 or more.
/// All intermediate values live in locked memory. Throws Error(key_derivation) when there is none.
void pbkdf2(Hash hash, std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::uint32_t iterations, std::span<std::byte> key);

}  // namespace luksdetached
