// AES-XTS (IEEE 1619) with VAES and AVX-512, for x86-64: four blocks in each register.
//
// Registers: eight hold blocks, eight their tweaks, eight the tweaks that come next; one holds a
// round key, which is read where it is, the others constants. An AES round has a latency of four
// cycles and two can start per cycle, so eight in flight keep the units busy, if nothing waits: the
// next tweaks are made between the rounds, whether they are the same sector's or the next one's,
// and the first ones of 32 sectors are encrypted together.
//
// A tweak is kept with the last round key added to it ("masked"). Then the last round, which only
// adds its key, adds the tweak as well; and as multiplication by a power of x is linear, the next
// masked tweak is the product of this one and a constant. Nothing branches or indexes on key or
// data. What the compiler puts on the stack, which with some plaintext would give a round key, is
// wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include <algorithm>

#include "crypto/aes_xts_cipher.h"

// GCC 12 takes the intrinsics' undefined operands, which no result depends on, for ours.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LUKSDETACHED_VAES512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,vaes,vpclmulqdq")))

namespace luksdetached {

namespace {

constexpr std::size_t registers = 8;
constexpr std::size_t four = sizeof(__m512i);
constexpr std::size_t step = registers * four;  // bytes; every sector is a multiple
constexpr std::size_t group = registers * 4;    // sectors whose tweaks are begun together

LUKSDETACHED_VAES512 inline __m512i all_four(const __m128i& key) {
  return _mm512_broadcast_i32x4(_mm_load_si128(&key));
}

LUKSDETACHED_VAES512 inline __m512i add(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);  // exclusive or
}

// x^128, reduced (IEEE 1619, section 5.2: least significant bit first).
LUKSDETACHED_VAES512 inline __m512i reduction() {
  return _mm512_set4_epi64(0, 0x87, 0, 0x87);
}

// Times x^32, which is what one step of 32 blocks takes, plus `constant`.
LUKSDETACHED_VAES512 inline __m512i times_x_to_32(__m512i tweaks, __m512i constant) {
  const __m512i carries = _mm512_bsrli_epi128(tweaks, 12);
  return add(_mm512_bslli_epi128(tweaks, 4), _mm512_clmulepi64_epi128(carries, reduction(), 0x00),
             constant);
}

// What the tweaks of a sector are made from: the first of them, four times.
struct First {
  __m512i tweak;
  __m512i low_half;  // of the tweak, in the place of the high one
};

LUKSDETACHED_VAES512 inline First first_of_sector(const __m128i& tweak) {
  const __m512i first = all_four(tweak);
  return {first, _mm512_bslli_epi128(first, 8)};
}

// The masked tweaks in a sector's register number `i`: the first one times x^n, for each block's n.
LUKSDETACHED_VAES512 inline __m512i begin_register(std::size_t i, const First& first,
                                                   __m512i mask) {
  const long long n = 4 * static_cast<long long>(i);
  const __m512i shift = _mm512_set_epi64(n + 3, n + 3, n + 2, n + 2, n + 1, n + 1, n, n);
  const __m512i carries =
      _mm512_srlv_epi64(first.tweak, _mm512_sub_epi64(_mm512_set1_epi64(64), shift));
  return add(_mm512_shldv_epi64(first.tweak, first.low_half, shift),
             _mm512_clmulepi64_epi128(carries, reduction(), 0x01), mask);
}

// The tweaks of the first blocks of a group of sectors.
template <int rounds>
LUKSDETACHED_VAES512 inline void encrypt_ivs(const AesSchedule& s, const SectorIvs& ivs,
                                             __m128i* tweaks) {
  __m512i x[registers];
  // Unrolled, so that it stays in registers: with a small IV this is hardly more than the key.
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    const __m512i iv = _mm512_set_epi64(0, ivs.at(4 * i + 3), 0, ivs.at(4 * i + 2), 0,
                                        ivs.at(4 * i + 1), 0, ivs.at(4 * i));
    x[i] = _mm512_xor_si512(iv, all_four(s.round[0]));
  }
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
    const __m512i key = all_four(s.round[n]);
#pragma GCC unroll 8
    for (__m512i& blocks : x) blocks = _mm512_aesenc_epi128(blocks, key);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    _mm512_store_si512(tweaks + 4 * i, _mm512_aesenclast_epi128(x[i], all_four(s.round[rounds])));
  }
}

struct Constants {
  __m512i mask;      // the last round key
  __m512i before;    // the first one, which adds the mask once more
  __m512i unmasked;  // for times_x_to_32
};

enum class Then { next_step, next_sector };

// One step of a sector; `tweaks` become those of the next step, or of the next sector.
template <int rounds, bool encrypting, Then then>
LUKSDETACHED_VAES512 inline void transform_step(const AesSchedule& s, const Constants& constants,
                                                const std::byte* from, std::byte* to,
                                                __m512i (&tweaks)[registers], const First& first) {
  __m512i x[registers];
  __m512i next[registers];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    x[i] = add(_mm512_loadu_si512(from + i * four), tweaks[i], constants.before);
  }
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
    const std::size_t i = static_cast<std::size_t>(n) - 1;
    if (i < registers) {
      next[i] = then == Then::next_step ? times_x_to_32(tweaks[i], constants.unmasked)
                                        : begin_register(i, first, constants.mask);
    }
    const __m512i key = all_four(s.round[n]);
#pragma GCC unroll 8
    for (__m512i& blocks : x) {
      blocks = encrypting ? _mm512_aesenc_epi128(blocks, key) : _mm512_aesdec_epi128(blocks, key);
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    _mm512_storeu_si512(to + i * four, encrypting ? _mm512_aesenclast_epi128(x[i], tweaks[i])
                                                  : _mm512_aesdeclast_epi128(x[i], tweaks[i]));
    tweaks[i] = next[i];
  }
}

struct Vaes512 {
  static constexpr std::string_view name = "vaes512";

  template <int rounds, bool encrypting>
  [[gnu::noinline]] LUKSDETACHED_VAES512 static void transform(const AesXtsSchedules& keys,
                                                               SectorRun run) {
    const AesSchedule& s = encrypting ? keys.encrypt : keys.decrypt;
    const __m512i mask = all_four(s.round[rounds]);
    const Constants constants{mask, _mm512_xor_si512(mask, all_four(s.round[0])),
                              times_x_to_32(mask, mask)};
    const std::byte* from = run.from;
    std::byte* to = run.to;
    alignas(four) __m128i firsts[group + 1];
    firsts[group] = _mm_setzero_si128();  // nothing follows a group's last sector
    for (std::size_t left = run.bytes / run.sector_size; left > 0;) {
      encrypt_ivs<rounds>(keys.tweak, run.ivs, firsts);
      First first = first_of_sector(firsts[0]);
      __m512i tweaks[registers];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < registers; ++i) tweaks[i] = begin_register(i, first, mask);
      const std::size_t count = std::min(group, left);
      for (std::size_t sector = 1; sector <= count; ++sector) {
        first = first_of_sector(firsts[sector]);
        for (const std::byte* last = from + run.sector_size - step; from != last;) {
          transform_step<rounds, encrypting, Then::next_step>(s, constants, from, to, tweaks,
                                                              first);
          from += step;
          to += step;
        }
        transform_step<rounds, encrypting, Then::next_sector>(s, constants, from, to, tweaks,
                                                              first);
        from += step;
        to += step;
      }
      run.ivs.skip(count);
      left -= count;
    }
  }
};

}  // namespace

bool have_vaes512() noexcept {
  return have_vaes() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0;
}

std::unique_ptr<SectorCipher> make_aes_xts_vaes512(IvKind iv, std::span<const std::byte> key,
                                                   std::size_t sector_size) {
  return make_aes_xts<Vaes512>(iv, key, sector_size);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_vaes512() noexcept {
  return false;
}

std::unique_ptr<SectorCipher> make_aes_xts_vaes512(IvKind, std::span<const std::byte>,
                                                   std::size_t) {
  std::abort();  // have_vaes512() is false here
}

}  // namespace luksdetached

#endif
