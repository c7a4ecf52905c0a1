// The diffusion between the stripes of an anti-forensic splitter.
#pragma once

#include <cstddef>
#include <span>

#include "crypto/hash.h"

namespace luksdetached {

/// Replaces each digest-sized piece of `bytes` by the hash of its number, in four bytes with the
/// highest first, and of itself; a shorter last piece by the beginning of its hash. (LUKS1's
/// docs/on-disk-format, section 2.4.)
void diffuse(Hash hash, std::span<std::byte> bytes);

/// The same for SHA-256 and whole pieces, 32 bytes each. Only where have_sha256_shani().
void diffuse_sha256_shani(std::byte* pieces, std::size_t count) noexcept;

}  // namespace luksdetached
