// The compression function of Argon2 with AVX-512, for x86-64.
//
// A register has eight words, and a whole block, 8 × 16 words, is in sixteen registers. Rows are
// permuted two at once, for which halves of registers change places; columns eight at once, where a
// register has two words of four columns, so that those of a diagonal are made of two registers.
// Nothing branches or indexes on what is in a block.
#include "crypto/argon2_block.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>

// GCC 12 takes the intrinsics' undefined operands, which no result depends on, for ours.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LUKSDETACHED_AVX512 __attribute__((target("avx512f,avx512bw")))
#define LUKSDETACHED_AVX512_INLINE LUKSDETACHED_AVX512 __attribute__((always_inline)) inline

namespace luksdetached {

namespace {

LUKSDETACHED_AVX512_INLINE __m512i multiply_add(__m512i x, __m512i y) {
  const __m512i product = _mm512_mul_epu32(x, y);
  return _mm512_add_epi64(_mm512_add_epi64(x, y), _mm512_add_epi64(product, product));
}

template <int bits>
LUKSDETACHED_AVX512_INLINE __m512i add_and_rotate(__m512i x, __m512i y) {
  return _mm512_ror_epi64(_mm512_xor_si512(x, y), bits);
}

// G of BLAKE2b, with multiplications, on eight words each of two independent sets.
LUKSDETACHED_AVX512_INLINE void mix(__m512i (&a)[2], __m512i (&b)[2], __m512i (&c)[2],
                                    __m512i (&d)[2]) {
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) a[n] = multiply_add(a[n], b[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) d[n] = add_and_rotate<32>(d[n], a[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) c[n] = multiply_add(c[n], d[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) b[n] = add_and_rotate<24>(b[n], c[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) a[n] = multiply_add(a[n], b[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) d[n] = add_and_rotate<16>(d[n], a[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) c[n] = multiply_add(c[n], d[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) b[n] = add_and_rotate<63>(b[n], c[n]);
}

// The lower, and the upper halves of two registers.
LUKSDETACHED_AVX512_INLINE __m512i lower(__m512i x, __m512i y) {
  return _mm512_shuffle_i64x2(x, y, _MM_SHUFFLE(1, 0, 1, 0));
}
LUKSDETACHED_AVX512_INLINE __m512i upper(__m512i x, __m512i y) {
  return _mm512_shuffle_i64x2(x, y, _MM_SHUFFLE(3, 2, 3, 2));
}

// The words from 8 bytes on of two registers behind each other, in each part of 16 bytes.
LUKSDETACHED_AVX512_INLINE __m512i middle(__m512i x, __m512i y) {
  return _mm512_alignr_epi8(y, x, 8);
}

// Permutes four rows, in x[0] to x[7].
LUKSDETACHED_AVX512_INLINE void permute_rows(__m512i* x) {
  __m512i a[2];
  __m512i b[2];
  __m512i c[2];
  __m512i d[2];
#pragma GCC unroll 2
  for (std::size_t n = 0; n < 2; ++n) {
    a[n] = lower(x[4 * n], x[4 * n + 2]);
    b[n] = upper(x[4 * n], x[4 * n + 2]);
    c[n] = lower(x[4 * n + 1], x[4 * n + 3]);
    d[n] = upper(x[4 * n + 1], x[4 * n + 3]);
  }
  mix(a, b, c, d);
#pragma GCC unroll 2
  for (std::size_t n = 0; n < 2; ++n) {
    b[n] = _mm512_permutex_epi64(b[n], _MM_SHUFFLE(0, 3, 2, 1));
    c[n] = _mm512_permutex_epi64(c[n], _MM_SHUFFLE(1, 0, 3, 2));
    d[n] = _mm512_permutex_epi64(d[n], _MM_SHUFFLE(2, 1, 0, 3));
  }
  mix(a, b, c, d);
#pragma GCC unroll 2
  for (std::size_t n = 0; n < 2; ++n) {
    b[n] = _mm512_permutex_epi64(b[n], _MM_SHUFFLE(2, 1, 0, 3));
    c[n] = _mm512_permutex_epi64(c[n], _MM_SHUFFLE(1, 0, 3, 2));
    d[n] = _mm512_permutex_epi64(d[n], _MM_SHUFFLE(0, 3, 2, 1));
    x[4 * n] = lower(a[n], b[n]);
    x[4 * n + 2] = upper(a[n], b[n]);
    x[4 * n + 1] = lower(c[n], d[n]);
    x[4 * n + 3] = upper(c[n], d[n]);
  }
}

// Permutes four columns, whose pairs of words are in x[0], x[2], … x[14].
LUKSDETACHED_AVX512_INLINE void permute_columns(__m512i* x) {
  __m512i a[2] = {x[0], x[2]};
  __m512i b[2] = {x[4], x[6]};
  __m512i c[2] = {x[8], x[10]};
  __m512i d[2] = {x[12], x[14]};
  mix(a, b, c, d);
  __m512i b2[2] = {middle(b[0], b[1]), middle(b[1], b[0])};
  __m512i c2[2] = {c[1], c[0]};
  __m512i d2[2] = {middle(d[1], d[0]), middle(d[0], d[1])};
  mix(a, b2, c2, d2);
  x[0] = a[0];
  x[2] = a[1];
  x[4] = middle(b2[1], b2[0]);
  x[6] = middle(b2[0], b2[1]);
  x[8] = c2[1];
  x[10] = c2[0];
  x[12] = middle(d2[0], d2[1]);
  x[14] = middle(d2[1], d2[0]);
}

}  // namespace

LUKSDETACHED_AVX512 void argon2_fill_avx512(const Argon2Block& previous,
                                            const Argon2Block& reference, Argon2Block& to,
                                            Argon2Put put) noexcept {
  const auto* const one = reinterpret_cast<const __m512i*>(previous.words);
  const auto* const other = reinterpret_cast<const __m512i*>(reference.words);
  auto* const out = reinterpret_cast<__m512i*>(to.words);
  __m512i x[16];
#pragma GCC unroll 16
  for (int n = 0; n < 16; ++n) x[n] = _mm512_xor_si512(one[n], other[n]);
  permute_rows(x);
  permute_rows(x + 8);
  permute_columns(x);
  permute_columns(x + 1);
  if (put == Argon2Put::added) {
#pragma GCC unroll 16
    for (int n = 0; n < 16; ++n) x[n] = _mm512_xor_si512(x[n], out[n]);
  }
#pragma GCC unroll 16
  for (int n = 0; n < 16; ++n) {
    out[n] = _mm512_xor_si512(x[n], _mm512_xor_si512(one[n], other[n]));
  }
}

bool have_argon2_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_argon2_avx512() noexcept {
  return false;
}

void argon2_fill_avx512(const Argon2Block&, const Argon2Block&, Argon2Block&, Argon2Put) noexcept {
  std::abort();  // have_argon2_avx512() is false here
}

}  // namespace luksdetached

#endif
