#include "crypto/aes_key_schedule.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstdint>

#include "crypto/little_endian.h"

namespace luksdetached {

// Word by word, as the standard has it: a key is expanded once for each volume. The instruction
// does what would otherwise be a look-up in a table by bytes of the key; it takes a word in each
// quarter, and has the substituted one in the lowest, that one rotated in the next.
LUKSDETACHED_AESNI void expand_aes(std::span<const std::byte> key, AesSchedule& encrypt) {
  constexpr std::size_t word_bytes = 4;
  auto* const schedule = reinterpret_cast<std::byte*>(encrypt.round);
  const std::size_t schedule_bytes =
      sizeof(__m128i) * static_cast<std::size_t>(aes_rounds(key.size()) + 1);
  std::copy(key.begin(), key.end(), schedule);
  std::uint32_t round_constant = 1;
  for (std::size_t at = key.size(); at < schedule_bytes; at += word_bytes) {
    auto word = load_little_endian<std::uint32_t>(schedule + at - word_bytes);
    const __m128i substituted =
        _mm_aeskeygenassist_si128(_mm_set1_epi32(static_cast<int>(word)), 0);
    if (at % key.size() == 0) {
      word = static_cast<std::uint32_t>(_mm_extract_epi32(substituted, 1)) ^ round_constant;
      round_constant = (round_constant << 1) ^ (round_constant >> 7) * 0x11b;  // in GF(2^8)
    } else if (key.size() == 32 && at % 32 == 16) {
      word = static_cast<std::uint32_t>(_mm_extract_epi32(substituted, 0));
    }
    word ^= load_little_endian<std::uint32_t>(schedule + at - key.size());
    store_little_endian(schedule + at, word);
  }
}

// The keys backwards, mixed between.
LUKSDETACHED_AESNI void invert_aes(const AesSchedule& encrypt, int rounds, AesSchedule& decrypt) {
  decrypt.round[0] = encrypt.round[rounds];
  for (int n = 1; n < rounds; ++n) {
    decrypt.round[n] = _mm_aesimc_si128(encrypt.round[rounds - n]);
  }
  decrypt.round[rounds] = encrypt.round[0];
}

LUKSDETACHED_AESNI void expand_aes_xts(std::span<const std::byte> key, AesXtsSchedules& keys) {
  const std::size_t half = key.size() / 2;
  expand_aes(key.first(half), keys.encrypt);
  expand_aes(key.last(half), keys.tweak);
  invert_aes(keys.encrypt, aes_rounds(half), keys.decrypt);
}

}  // namespace luksdetached

#endif
