#include "aes_roofline.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "crypto/sector_cipher_kernels.h"

namespace luksdetached::bench {

namespace {

bool have_vaes_512() noexcept {
  return have_vaes() && __builtin_cpu_supports("avx512f") != 0;
}

// The same three times, as a function for a CPU can only use what all of it may use. Assembly, as
// the compiler finds reasons to leave registers out or to keep copies in memory.

__attribute__((target("avx512f,vaes"))) void rounds_512(std::size_t times) noexcept {
  const __m512i key = _mm512_set1_epi8(0x36);
  __m512i state[aes_registers] = {};
  while (times-- > 0) {
#pragma GCC unroll 12
    for (__m512i& one : state) asm volatile("vaesenc %1, %0, %0" : "+v"(one) : "v"(key));
  }
}

__attribute__((target("avx2,vaes"))) void rounds_256(std::size_t times) noexcept {
  const __m256i key = _mm256_set1_epi8(0x36);
  __m256i state[aes_registers] = {};
  while (times-- > 0) {
#pragma GCC unroll 12
    for (__m256i& one : state) asm volatile("vaesenc %1, %0, %0" : "+x"(one) : "x"(key));
  }
}

__attribute__((target("aes"))) void rounds_128(std::size_t times) noexcept {
  const __m128i key = _mm_set1_epi8(0x36);
  __m128i state[aes_registers] = {};
  while (times-- > 0) {
#pragma GCC unroll 12
    for (__m128i& one : state) asm volatile("aesenc %1, %0" : "+x"(one) : "x"(key));
  }
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
