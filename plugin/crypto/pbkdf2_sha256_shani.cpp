// The iterations of PBKDF2 with HMAC-SHA-256 with the SHA extensions of x86-64.
//
// A chain waits for each of its instructions, so that several take turns; from the first iteration
// to the last one they stay in registers, and a digest goes on as the message of the next hash
// without becoming bytes. Nothing branches or indexes on what is hashed.
#include "crypto/pbkdf2_sha256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include <iterator>

#define LUKSDETACHED_SHANI __attribute__((target("sha,sse4.1")))
#define LUKSDETACHED_SHANI_INLINE LUKSDETACHED_SHANI __attribute__((always_inline)) inline

namespace luksdetached {

namespace {

// FIPS 180-4, section 4.2.2.
alignas(16) constexpr std::uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// A state as the instructions have it: words A, B, E, F and C, D, G, H, the first ones highest.
struct State {
  __m128i abef, cdgh;
};

// Eight words, the first ones lowest.
struct Words {
  __m128i low, high;
};

LUKSDETACHED_SHANI_INLINE Words load(const std::uint32_t* words) {
  const auto* from = reinterpret_cast<const __m128i*>(words);
  return {_mm_loadu_si128(from), _mm_loadu_si128(from + 1)};
}

LUKSDETACHED_SHANI_INLINE void store(std::uint32_t* words, const Words& value) {
  auto* to = reinterpret_cast<__m128i*>(words);
  _mm_storeu_si128(to, value.low);
  _mm_storeu_si128(to + 1, value.high);
}

constexpr int backwards = _MM_SHUFFLE(0, 1, 2, 3);

LUKSDETACHED_SHANI_INLINE State to_state(const Words& words) {
  return {_mm_shuffle_epi32(_mm_unpacklo_epi64(words.low, words.high), backwards),
          _mm_shuffle_epi32(_mm_unpackhi_epi64(words.low, words.high), backwards)};
}

LUKSDETACHED_SHANI_INLINE Words to_words(const State& state) {
  const __m128i abef = _mm_shuffle_epi32(state.abef, backwards);
  const __m128i cdgh = _mm_shuffle_epi32(state.cdgh, backwards);
  return {_mm_unpacklo_epi64(abef, cdgh), _mm_unpackhi_epi64(abef, cdgh)};
}

// Replaces each digest by that of the hash which has come to `start` after its first block, and
// whose second block is the digest, padded.
template <int count>
LUKSDETACHED_SHANI_INLINE void hash(const State& start, Words (&digests)[count]) {
  State state[count];
  __m128i message[count][4];
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    state[n] = start;
    message[n][0] = digests[n].low;
    message[n][1] = digests[n].high;
    message[n][2] = _mm_setr_epi32(static_cast<int>(0x80000000), 0, 0, 0);
    message[n][3] = _mm_setr_epi32(0, 0, 0, (64 + 32) * 8);  // bits
  }
#pragma GCC unroll 16
  for (int round = 0; round < 64; round += 4) {
    const __m128i four = _mm_load_si128(reinterpret_cast<const __m128i*>(constants + round));
    const int at = round / 4;
#pragma GCC unroll 4
    for (int n = 0; n < count; ++n) {
      __m128i(&m)[4] = message[n];
      const __m128i added = _mm_add_epi32(m[at % 4], four);
      state[n].cdgh = _mm_sha256rnds2_epu32(state[n].cdgh, state[n].abef, added);
      state[n].abef =
          _mm_sha256rnds2_epu32(state[n].abef, state[n].cdgh, _mm_unpackhi_epi64(added, added));
      if (round < 48) {
        const __m128i& last = m[(at + 3) % 4];
        const __m128i before = _mm_alignr_epi8(last, m[(at + 2) % 4], 4);
        const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[at % 4], m[(at + 1) % 4]), before);
        m[at % 4] = _mm_sha256msg2_epu32(sum, last);
      }
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    digests[n] = to_words(
        {_mm_add_epi32(state[n].abef, start.abef), _mm_add_epi32(state[n].cdgh, start.cdgh)});
  }
}

template <int count>
LUKSDETACHED_SHANI void iterate(const std::uint32_t* inner, const std::uint32_t* outer,
                                const Sha256Chain* chains, std::uint32_t iterations) noexcept {
  const State inner_state = to_state(load(inner));
  const State outer_state = to_state(load(outer));
  Words last[count];
  Words sum[count];
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    last[n] = load(chains[n].last);
    sum[n] = load(chains[n].sum);
  }
  for (; iterations > 0; --iterations) {
    hash(inner_state, last);
    hash(outer_state, last);
#pragma GCC unroll 4
    for (int n = 0; n < count; ++n) {
      sum[n].low = _mm_xor_si128(sum[n].low, last[n].low);
      sum[n].high = _mm_xor_si128(sum[n].high, last[n].high);
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    store(chains[n].last, last[n]);
    store(chains[n].sum, sum[n]);
  }
}

}  // namespace

bool have_sha256_shani() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __builtin_cpu_supports("sse4.1") != 0 &&
         __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
}

void pbkdf2_sha256_shani(const std::uint32_t* inner, const std::uint32_t* outer,
                         const Sha256Chain* chains, std::size_t count,
                         std::uint32_t iterations) noexcept {
  constexpr decltype(&iterate<1>) by_count[] = {iterate<1>, iterate<2>, iterate<3>, iterate<4>};
  static_assert(std::size(by_count) == most_sha256_chains);
  by_count[count - 1](inner, outer, chains, iterations);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_sha256_shani() noexcept {
  return false;
}

void pbkdf2_sha256_shani(const std::uint32_t*, const std::uint32_t*, const Sha256Chain*,
                         std::size_t, std::uint32_t) noexcept {
  std::abort();  // have_sha256_shani() is false here
}

}  // namespace luksdetached

#endif
