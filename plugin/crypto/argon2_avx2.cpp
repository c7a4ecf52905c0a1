// The compression function of Argon2 with AVX2, for x86-64.
//
// A register has four words. The rows of a block's 8 × 16 words are permuted two at once, each in
// four registers of four words; its columns four at once, where a register has two words of two
// columns, so that those of a diagonal are made of two registers. Nothing branches or indexes on
// what is in a block.
#include "crypto/argon2_block.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>

#define LUKSDETACHED_AVX2 __attribute__((target("avx2")))
#define LUKSDETACHED_AVX2_INLINE LUKSDETACHED_AVX2 __attribute__((always_inline)) inline

namespace luksdetached {

namespace {

LUKSDETACHED_AVX2_INLINE __m256i multiply_add(__m256i x, __m256i y) {
  const __m256i product = _mm256_mul_epu32(x, y);
  return _mm256_add_epi64(_mm256_add_epi64(x, y), _mm256_add_epi64(product, product));
}

LUKSDETACHED_AVX2_INLINE __m256i rotate_32(__m256i x) {
  return _mm256_shuffle_epi32(x, _MM_SHUFFLE(2, 3, 0, 1));
}

LUKSDETACHED_AVX2_INLINE __m256i rotate_24(__m256i x) {
  return _mm256_shuffle_epi8(
      x, _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,  //
                          3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10));
}

LUKSDETACHED_AVX2_INLINE __m256i rotate_16(__m256i x) {
  return _mm256_shuffle_epi8(
      x, _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,  //
                          2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9));
}

LUKSDETACHED_AVX2_INLINE __m256i rotate_63(__m256i x) {
  return _mm256_xor_si256(_mm256_srli_epi64(x, 63), _mm256_add_epi64(x, x));
}

// G of BLAKE2b, with multiplications, on four words each of two independent sets.
LUKSDETACHED_AVX2_INLINE void mix(__m256i (&a)[2], __m256i (&b)[2], __m256i (&c)[2],
                                  __m256i (&d)[2]) {
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) a[n] = multiply_add(a[n], b[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) d[n] = rotate_32(_mm256_xor_si256(d[n], a[n]));
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) c[n] = multiply_add(c[n], d[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) b[n] = rotate_24(_mm256_xor_si256(b[n], c[n]));
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) a[n] = multiply_add(a[n], b[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) d[n] = rotate_16(_mm256_xor_si256(d[n], a[n]));
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) c[n] = multiply_add(c[n], d[n]);
#pragma GCC unroll 2
  for (int n = 0; n < 2; ++n) b[n] = rotate_63(_mm256_xor_si256(b[n], c[n]));
}

// Permutes two rows, from `x` on.
LUKSDETACHED_AVX2_INLINE void permute_rows(__m256i* x) {
  __m256i a[2] = {x[0], x[4]};
  __m256i b[2] = {x[1], x[5]};
  __m256i c[2] = {x[2], x[6]};
  __m256i d[2] = {x[3], x[7]};
  mix(a, b, c, d);
#pragma GCC unroll 2
  for (std::size_t n = 0; n < 2; ++n) {
    b[n] = _mm256_permute4x64_epi64(b[n], _MM_SHUFFLE(0, 3, 2, 1));
    c[n] = _mm256_permute4x64_epi64(c[n], _MM_SHUFFLE(1, 0, 3, 2));
    d[n] = _mm256_permute4x64_epi64(d[n], _MM_SHUFFLE(2, 1, 0, 3));
  }
  mix(a, b, c, d);
#pragma GCC unroll 2
  for (std::size_t n = 0; n < 2; ++n) {
    x[4 * n] = a[n];
    x[4 * n + 1] = _mm256_permute4x64_epi64(b[n], _MM_SHUFFLE(2, 1, 0, 3));
    x[4 * n + 2] = _mm256_permute4x64_epi64(c[n], _MM_SHUFFLE(1, 0, 3, 2));
    x[4 * n + 3] = _mm256_permute4x64_epi64(d[n], _MM_SHUFFLE(0, 3, 2, 1));
  }
}

// Permutes two columns, whose pairs of words are in `x` and every fourth register from there.
LUKSDETACHED_AVX2_INLINE void permute_columns(__m256i* x) {
  __m256i a[2] = {x[0], x[4]};
  __m256i b[2] = {x[8], x[12]};
  __m256i c[2] = {x[16], x[20]};
  __m256i d[2] = {x[24], x[28]};
  mix(a, b, c, d);
  __m256i b2[2] = {_mm256_alignr_epi8(b[1], b[0], 8), _mm256_alignr_epi8(b[0], b[1], 8)};
  __m256i c2[2] = {c[1], c[0]};
  __m256i d2[2] = {_mm256_alignr_epi8(d[0], d[1], 8), _mm256_alignr_epi8(d[1], d[0], 8)};
  mix(a, b2, c2, d2);
  x[0] = a[0];
  x[4] = a[1];
  x[8] = _mm256_alignr_epi8(b2[0], b2[1], 8);
  x[12] = _mm256_alignr_epi8(b2[1], b2[0], 8);
  x[16] = c2[1];
  x[20] = c2[0];
  x[24] = _mm256_alignr_epi8(d2[1], d2[0], 8);
  x[28] = _mm256_alignr_epi8(d2[0], d2[1], 8);
}

}  // namespace

LUKSDETACHED_AVX2 void argon2_fill_avx2(const Argon2Block& previous, const Argon2Block& reference,
                                        Argon2Block& to, Argon2Put put) noexcept {
  const auto* const one = reinterpret_cast<const __m256i*>(previous.words);
  const auto* const other = reinterpret_cast<const __m256i*>(reference.words);
  auto* const out = reinterpret_cast<__m256i*>(to.words);
  __m256i x[32];
  for (int n = 0; n < 32; n += 8) {
#pragma GCC unroll 8
    for (int i = n; i < n + 8; ++i) x[i] = _mm256_xor_si256(one[i], other[i]);
    permute_rows(x + n);
  }
  for (int n = 0; n < 4; ++n) permute_columns(x + n);
  for (int n = 0; n < 32; ++n) {
    __m256i words = _mm256_xor_si256(x[n], _mm256_xor_si256(one[n], other[n]));
    if (put == Argon2Put::added) words = _mm256_xor_si256(words, out[n]);
    out[n] = words;
  }
}

bool have_argon2_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0;
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_argon2_avx2() noexcept {
  return false;
}

void argon2_fill_avx2(const Argon2Block&, const Argon2Block&, Argon2Block&, Argon2Put) noexcept {
  std::abort();  // have_argon2_avx2() is false here
}

}  // namespace luksdetached

#endif
