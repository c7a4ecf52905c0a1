#include "aes_roofline.h"

#if defined(__x86_64__)

#include "crypto/sector_cipher_kernels.h"

namespace luksdetached::bench {

namespace {

bool have_vaes_512() noexcept {
  return have_vaes() && __builtin_cpu_supports("avx512f") != 0;
}

// Assembly, as a compiler finds reasons to leave registers out or to keep copies of them in memory.
// What is in the registers does not matter.

#define LUKSDETACHED_ALL_REGISTERS(instruction)                                             \
  instruction(0) instruction(1) instruction(2) instruction(3) instruction(4) instruction(5) \
      instruction(6) instruction(7) instruction(8) instruction(9) instruction(10) instruction(11)
#define LUKSDETACHED_LOOP(instruction) \
  "1:\n" LUKSDETACHED_ALL_REGISTERS(instruction) "sub $1, %0\njnz 1b\n"
#define LUKSDETACHED_VAESENC_512(n) "vaesenc %%zmm12, %%zmm" #n ", %%zmm" #n "\n"
#define LUKSDETACHED_VAESENC_256(n) "vaesenc %%ymm12, %%ymm" #n ", %%ymm" #n "\n"
#define LUKSDETACHED_AESENC_128(n) "aesenc %%xmm12, %%xmm" #n "\n"
#define LUKSDETACHED_CLOBBERED                                                                   \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11"

void rounds_512(std::size_t times) noexcept {
  asm volatile(LUKSDETACHED_LOOP(LUKSDETACHED_VAESENC_512) "vzeroupper\n"
               : "+r"(times)
               :
               : LUKSDETACHED_CLOBBERED);
}

void rounds_256(std::size_t times) noexcept {
  asm volatile(LUKSDETACHED_LOOP(LUKSDETACHED_VAESENC_256) "vzeroupper\n"
               : "+r"(times)
               :
               : LUKSDETACHED_CLOBBERED);
}

void rounds_128(std::size_t times) noexcept {
  asm volatile(LUKSDETACHED_LOOP(LUKSDETACHED_AESENC_128) : "+r"(times) : : LUKSDETACHED_CLOBBERED);
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
