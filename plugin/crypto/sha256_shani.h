// SHA-256 with the SHA extensions of x86-64, in registers. Included by this folder's .cpp files
// that are for them. Nothing branches or indexes on what is hashed.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define LUKSDETACHED_SHANI __attribute__((target("sha,sse4.1")))
#define LUKSDETACHED_SHANI_INLINE LUKSDETACHED_SHANI __attribute__((always_inline)) inline

namespace luksdetached::shani {

// FIPS 180-4, section 4.2.2.
alignas(16) inline constexpr std::uint32_t constants[64] = {
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

// The order of a state with the first words lowest: 0 1 4 5 and 2 3 6 7. And back.
LUKSDETACHED_SHANI_INLINE State interleave(const Words& words) {
  return {_mm_unpacklo_epi64(words.low, words.high), _mm_unpackhi_epi64(words.low, words.high)};
}

LUKSDETACHED_SHANI_INLINE Words in_sequence(const State& lowest_first) {
  return {_mm_unpacklo_epi64(lowest_first.abef, lowest_first.cdgh),
          _mm_unpackhi_epi64(lowest_first.abef, lowest_first.cdgh)};
}

// A state with the first words highest from one with the first words lowest. And back.
LUKSDETACHED_SHANI_INLINE State turn(const State& state) {
  constexpr int backwards = _MM_SHUFFLE(0, 1, 2, 3);
  return {_mm_shuffle_epi32(state.abef, backwards), _mm_shuffle_epi32(state.cdgh, backwards)};
}

LUKSDETACHED_SHANI_INLINE State add(const State& a, const State& b) {
  return {_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

// The next four words of a message, of whose last sixteen `oldest` is what the instruction
// sha256msg1 has made of the first ones, `earlier` the third and `last` the fourth four.
template <bool alone>
LUKSDETACHED_SHANI_INLINE __m128i next_words(__m128i oldest, __m128i earlier, __m128i last) {
  if constexpr (alone) {
    // A single chain waits for its message more than for its rounds: sha256msg2 takes as long as
    // three other instructions. Only the highest word needs one of `last` besides it, which can be
    // added after it as well.
    const __m128i sum = _mm_add_epi32(oldest, _mm_bsrli_si128(earlier, 4));
    return _mm_add_epi32(_mm_sha256msg2_epu32(sum, last), _mm_bslli_si128(last, 12));
  } else {
    const __m128i sum = _mm_add_epi32(oldest, _mm_alignr_epi8(last, earlier, 4));
    return _mm_sha256msg2_epu32(sum, last);
  }
}

// The constants of the first eight rounds, in the order of a state.
LUKSDETACHED_SHANI_INLINE State first_constants() {
  return interleave(load(constants));
}

// The rounds of `count` blocks, each with a state of its own. `first` has the first eight words of
// each message with `first_constants` added: a digest that is the next message is ready in that
// order before it is in the message's. A chain waits for each of its instructions, so that several
// take turns. The messages are used up.
template <int count>
LUKSDETACHED_SHANI_INLINE void do_rounds(State (&state)[count], const State (&first)[count],
                                         __m128i (&message)[count][4]) {
#pragma GCC unroll 16
  for (int round = 0; round < 64; round += 4) {
    const __m128i four = _mm_load_si128(reinterpret_cast<const __m128i*>(constants + round));
    const int at = round / 4;
#pragma GCC unroll 4
    for (int n = 0; n < count; ++n) {
      __m128i(&m)[4] = message[n];
      __m128i low = first[n].abef;
      __m128i high = first[n].cdgh;
      if (round == 4) {
        low = _mm_unpackhi_epi64(low, low);
        high = _mm_unpackhi_epi64(high, high);
      } else if (round > 4) {
        low = _mm_add_epi32(m[at % 4], four);
        high = _mm_unpackhi_epi64(low, low);
      }
      state[n].cdgh = _mm_sha256rnds2_epu32(state[n].cdgh, state[n].abef, low);
      state[n].abef = _mm_sha256rnds2_epu32(state[n].abef, state[n].cdgh, high);
      if (round < 48) {
        m[at % 4] = next_words<count == 1>(_mm_sha256msg1_epu32(m[at % 4], m[(at + 1) % 4]),
                                           m[(at + 2) % 4], m[(at + 3) % 4]);
      }
    }
  }
}

}  // namespace luksdetached::shani
