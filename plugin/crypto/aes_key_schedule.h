// AES's round keys, as the kernels of x86-64 use them.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <span>

#define LUKSDETACHED_AESNI __attribute__((target("aes,sse4.1")))

namespace luksdetached {

/// The key that comes before the first round, and those of 10 or 14 rounds.
struct AesSchedule {
  __m128i round[15];
};

/// Those of XTS; `decrypt` is for the equivalent inverse cipher.
struct AesXtsSchedules {
  AesSchedule encrypt, decrypt, tweak;
};

/// Makes them with AES-NI (FIPS 197, sections 5.2 and 5.3.5). `key` has 32 bytes for 10 rounds, 64
/// for 14: that of the data and that of the tweaks.
LUKSDETACHED_AESNI void expand_aes_xts(std::span<const std::byte> key, AesXtsSchedules& keys);

}  // namespace luksdetached

#endif
