#include "aes_roofline.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "crypto/sector_cipher_kernels.h"

namespace luksdetached::bench {

namespace {

bool have_vaes_512() noexcept {
  return have_vaes() && __builtin_cpu_supports("avx512f") != 0;
}

// The same three times, as a function for a CPU can only use what all of it may use. All loops over
// the registers are unrolled, so that there is no memory behind them.

__attribute__((target("avx512f,vaes"))) unsigned rounds_512(std::size_t times) noexcept {
  const __m512i key = _mm512_set1_epi8(0x36);
  __m512i state[aes_registers];
#pragma GCC unroll 12
  for (__m512i& one : state) one = key;
  for (std::size_t time = 0; time < times; ++time) {
#pragma GCC unroll 12
    for (__m512i& one : state) one = _mm512_aesenc_epi128(one, key);
  }
#pragma GCC unroll 12
  for (const __m512i& one : state) state[0] = _mm512_xor_si512(state[0], one);
  return static_cast<unsigned>(state[0][0]);
}

__attribute__((target("avx2,vaes"))) unsigned rounds_256(std::size_t times) noexcept {
  const __m256i key = _mm256_set1_epi8(0x36);
  __m256i state[aes_registers];
#pragma GCC unroll 12
  for (__m256i& one : state) one = key;
  for (std::size_t time = 0; time < times; ++time) {
#pragma GCC unroll 12
    for (__m256i& one : state) one = _mm256_aesenc_epi128(one, key);
  }
#pragma GCC unroll 12
  for (const __m256i& one : state) state[0] = _mm256_xor_si256(state[0], one);
  return static_cast<unsigned>(state[0][0]);
}

__attribute__((target("aes"))) unsigned rounds_128(std::size_t times) noexcept {
  const __m128i key = _mm_set1_epi8(0x36);
  __m128i state[aes_registers];
#pragma GCC unroll 12
  for (__m128i& one : state) one = key;
  for (std::size_t time = 0; time < times; ++time) {
#pragma GCC unroll 12
    for (__m128i& one : state) one = _mm_aesenc_si128(one, key);
  }
#pragma GCC unroll 12
  for (const __m128i& one : state) state[0] = _mm_xor_si128(state[0], one);
  return static_cast<unsigned>(state[0][0]);
}

constexpr AesRoofline all[] = {
    {"vaesenc 512 bit", 64, have_vaes_512, rounds_512},
    {"vaesenc 256 bit", 32, have_vaes, rounds_256},
    {"aesenc 128 bit", 16, have_aesni, rounds_128},
};

}  // namespace

std::span<const AesRoofline> aes_rooflines() noexcept {
  return all;
}

}  // namespace luksdetached::bench

#else

namespace luksdetached::bench {

std::span<const AesRoofline> aes_rooflines() noexcept {
  return {};
}

}  // namespace luksdetached::bench

#endif
