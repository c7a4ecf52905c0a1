#include "crypto/aes_key_schedule.h"

#if defined(__x86_64__)

namespace luksdetached {

namespace {

// FIPS 197, section 5.2: each new word is the one before it, mixed, plus the word one key back.
LUKSDETACHED_AESNI inline __m128i prefix_xor(__m128i words) {
  words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
  return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

template <int round_constant>
LUKSDETACHED_AESNI inline __m128i next_even(__m128i two_back, __m128i one_back) {
  const __m128i mixed =
      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(one_back, round_constant), 0xff);
  return _mm_xor_si128(prefix_xor(two_back), mixed);
}

LUKSDETACHED_AESNI inline __m128i next_odd(__m128i two_back, __m128i one_back) {
  const __m128i mixed = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(one_back, 0), 0xaa);
  return _mm_xor_si128(prefix_xor(two_back), mixed);
}

LUKSDETACHED_AESNI void expand_aes_128(const std::byte* key, AesSchedule& s) {
  __m128i* const r = s.round;
  r[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  r[1] = next_even<0x01>(r[0], r[0]);
  r[2] = next_even<0x02>(r[1], r[1]);
  r[3] = next_even<0x04>(r[2], r[2]);
  r[4] = next_even<0x08>(r[3], r[3]);
  r[5] = next_even<0x10>(r[4], r[4]);
  r[6] = next_even<0x20>(r[5], r[5]);
  r[7] = next_even<0x40>(r[6], r[6]);
  r[8] = next_even<0x80>(r[7], r[7]);
  r[9] = next_even<0x1b>(r[8], r[8]);
  r[10] = next_even<0x36>(r[9], r[9]);
}

LUKSDETACHED_AESNI void expand_aes_256(const std::byte* key, AesSchedule& s) {
  __m128i* const r = s.round;
  r[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  r[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + 16));
  r[2] = next_even<0x01>(r[0], r[1]);
  r[3] = next_odd(r[1], r[2]);
  r[4] = next_even<0x02>(r[2], r[3]);
  r[5] = next_odd(r[3], r[4]);
  r[6] = next_even<0x04>(r[4], r[5]);
  r[7] = next_odd(r[5], r[6]);
  r[8] = next_even<0x08>(r[6], r[7]);
  r[9] = next_odd(r[7], r[8]);
  r[10] = next_even<0x10>(r[8], r[9]);
  r[11] = next_odd(r[9], r[10]);
  r[12] = next_even<0x20>(r[10], r[11]);
  r[13] = next_odd(r[11], r[12]);
  r[14] = next_even<0x40>(r[12], r[13]);
}

}  // namespace

LUKSDETACHED_AESNI void expand_aes_xts(std::span<const std::byte> key, AesXtsSchedules& keys) {
  const std::size_t half = key.size() / 2;
  const int rounds = key.size() == 32 ? 10 : 14;
  const auto expand_one = rounds == 10 ? expand_aes_128 : expand_aes_256;
  expand_one(key.data(), keys.encrypt);
  expand_one(key.data() + half, keys.tweak);
  // FIPS 197, section 5.3.5, the equivalent inverse cipher: the keys backwards, mixed between.
  keys.decrypt.round[0] = keys.encrypt.round[rounds];
  for (int n = 1; n < rounds; ++n) {
    keys.decrypt.round[n] = _mm_aesimc_si128(keys.encrypt.round[rounds - n]);
  }
  keys.decrypt.round[rounds] = keys.encrypt.round[0];
}

}  // namespace luksdetached

#endif
