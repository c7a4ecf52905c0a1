// AES's round keys, as the kernels of x86-64 use them.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <span>

#define LUKSDETACHED_AESNI __attribute__((target("aes,sse4.1")))

namespace luksdetached {

/// The key that comes before the first round, and those of 10, 12 or 14 rounds.
struct AesSchedule {
  __m128i round[15];
};

/// Those of XTS; `decrypt` is for the equivalent inverse cipher.
struct AesXtsSchedules {
  AesSchedule encrypt, decrypt, tweak;
};

/// The rounds that a key of 16, 24 or 32 bytes makes (FIPS 197, section 5).
constexpr int aes_rounds(std::size_t key_bytes) noexcept {
  return static_cast<int>(key_bytes / 4) + 6;
}

/// Makes the round keys of a key of 16, 24 or 32 bytes with AES-NI (FIPS 197, section 5.2).
LUKSDETACHED_AESNI void expand_aes(std::span<const std::byte> key, AesSchedule& encrypt);

/// Makes of them those of the equivalent inverse cipher (FIPS 197, section 5.3.5).
LUKSDETACHED_AESNI void invert_aes(const AesSchedule& encrypt, int rounds, AesSchedule& decrypt);

/// Both for XTS. `key` has 32 bytes for 10 rounds, 64 for 14: that of the data and that of the
/// tweaks.
LUKSDETACHED_AESNI void expand_aes_xts(std::span<const std::byte> key, AesXtsSchedules& keys);

}  // namespace luksdetached

#endif
