// The anti-forensic splitter (LUKS1's docs/on-disk-format, section 2.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/hash.h"
#include "crypto/secure_memory.h"

namespace luksdetached::luks {

/// Merges `stripes` stripes of `key_bytes` bytes each (`split` holds at least all of them) into the
/// key that was split.
SecureBuffer merge_stripes(std::span<const std::byte> split, std::size_t key_bytes,
                           std::uint32_t stripes, Hash hash);

}  // namespace luksdetached::luks
