// AES-XTS (IEEE 1619) with VAES and AVX2, for x86-64: two blocks in each register.
//
// Eight registers are in flight at once, as many as keep the units busy, and no loop waits for a
// chain: the tweaks of sixteen blocks come from the first by shifts of different widths, each later
// tweak is the one sixteen blocks before it shifted by two bytes, and the first ones of sixteen
// sectors are encrypted together. Nothing branches or indexes on key or data. Round keys are read
// where they are, but there are not registers enough for the rest: what the compiler puts on the
// stack, which with some plaintext would give a round key, is wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include <algorithm>

#include "crypto/aes_xts_cipher.h"

#define LUKSDETACHED_VAES __attribute__((target("avx2,vaes,vpclmulqdq")))

namespace luksdetached {

namespace {

constexpr std::size_t registers = 8;
constexpr std::size_t pair = sizeof(__m256i);
constexpr std::size_t step = registers * pair;  // bytes; every sector is a multiple
constexpr std::size_t group = registers * 2;    // sectors whose tweaks are begun together

LUKSDETACHED_VAES inline __m256i load(const std::byte* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

LUKSDETACHED_VAES inline void store(std::byte* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

LUKSDETACHED_VAES inline __m256i both(const __m128i& key) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(&key));
}

// x^128, reduced (IEEE 1619, section 5.2: least significant bit first).
LUKSDETACHED_VAES inline __m256i reduction() {
  return _mm256_set_epi64x(0, 0x87, 0, 0x87);
}

// Times x^16, which is what one step of 16 blocks takes.
LUKSDETACHED_VAES inline __m256i times_x_to_16(__m256i tweaks) {
  const __m256i carries = _mm256_srli_si256(tweaks, 14);
  return _mm256_xor_si256(_mm256_slli_si256(tweaks, 2),
                          _mm256_clmulepi64_epi128(carries, reduction(), 0x00));
}

// The tweaks in a sector's register number `i`: the `first` one times x^n, for each block's n.
LUKSDETACHED_VAES inline __m256i begin_register(std::size_t i, __m256i first) {
  const long long n = 2 * static_cast<long long>(i);
  const __m256i shift = _mm256_set_epi64x(n + 1, n + 1, n, n);
  const __m256i carries = _mm256_srlv_epi64(first, _mm256_sub_epi64(_mm256_set1_epi64x(64), shift));
  const __m256i shifted =
      _mm256_xor_si256(_mm256_sllv_epi64(first, shift), _mm256_slli_si256(carries, 8));
  return _mm256_xor_si256(shifted, _mm256_clmulepi64_epi128(carries, reduction(), 0x01));
}

// The tweaks of the first blocks of a group of sectors.
template <int rounds>
LUKSDETACHED_VAES inline void encrypt_ivs(const AesSchedule& s, const SectorIvs& ivs,
                                          __m128i* tweaks) {
  __m256i x[registers];
  // Unrolled, so that it stays in registers: with a small IV this is hardly more than the key.
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    const __m256i iv = _mm256_set_epi64x(0, ivs.at(2 * i + 1), 0, ivs.at(2 * i));
    x[i] = _mm256_xor_si256(iv, both(s.round[0]));
  }
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
    const __m256i key = both(s.round[n]);
#pragma GCC unroll 8
    for (__m256i& blocks : x) blocks = _mm256_aesenc_epi128(blocks, key);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(tweaks + 2 * i),
                       _mm256_aesenclast_epi128(x[i], both(s.round[rounds])));
  }
}

enum class Then { next_step, next_sector };

// One step of a sector; `tweaks` become those of the next step, or of the sector that begins with
// `first`.
template <int rounds, bool encrypting, Then then>
LUKSDETACHED_VAES inline void transform_step(const AesSchedule& s, const std::byte* from,
                                             std::byte* to, __m256i (&tweaks)[registers],
                                             const __m128i& first) {
  __m256i x[registers];
  __m256i next[registers];
  const __m256i before = both(s.round[0]);
  const __m256i two_firsts = both(first);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    x[i] = _mm256_xor_si256(load(from + i * pair), _mm256_xor_si256(tweaks[i], before));
  }
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
    const std::size_t i = static_cast<std::size_t>(n) - 1;
    if (i < registers) {
      next[i] = then == Then::next_step ? times_x_to_16(tweaks[i]) : begin_register(i, two_firsts);
    }
    const __m256i key = both(s.round[n]);
#pragma GCC unroll 8
    for (__m256i& blocks : x) {
      blocks = encrypting ? _mm256_aesenc_epi128(blocks, key) : _mm256_aesdec_epi128(blocks, key);
    }
  }
  const __m256i after = both(s.round[rounds]);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    // The last round only adds its key, so the tweak can be added to the key beforehand.
    const __m256i last = _mm256_xor_si256(after, tweaks[i]);
    store(to + i * pair,
          encrypting ? _mm256_aesenclast_epi128(x[i], last) : _mm256_aesdeclast_epi128(x[i], last));
    tweaks[i] = next[i];
  }
}

struct Vaes {
  static constexpr std::string_view name = "vaes";

  template <int rounds, bool encrypting>
  [[gnu::noinline]] LUKSDETACHED_VAES static void transform(const AesXtsSchedules& keys,
                                                            SectorRun run) {
    const AesSchedule& s = encrypting ? keys.encrypt : keys.decrypt;
    const std::byte* from = run.from;
    std::byte* to = run.to;
    alignas(pair) __m128i firsts[group + 1];
    firsts[group] = _mm_setzero_si128();  // nothing follows a group's last sector
    for (std::size_t left = run.bytes / run.sector_size; left > 0;) {
      encrypt_ivs<rounds>(keys.tweak, run.ivs, firsts);
      __m256i tweaks[registers];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < registers; ++i) tweaks[i] = begin_register(i, both(firsts[0]));
      const std::size_t count = std::min(group, left);
      for (std::size_t sector = 1; sector <= count; ++sector) {
        for (const std::byte* last = from + run.sector_size - step; from != last;) {
          transform_step<rounds, encrypting, Then::next_step>(s, from, to, tweaks, firsts[sector]);
          from += step;
          to += step;
        }
        transform_step<rounds, encrypting, Then::next_sector>(s, from, to, tweaks, firsts[sector]);
        from += step;
        to += step;
      }
      run.ivs.skip(count);
      left -= count;
    }
  }
};

}  // namespace

bool have_vaes() noexcept {
  if (__builtin_cpu_supports("avx2") == 0 || !have_aesni()) return false;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (ecx & bit_VAES) != 0 && (ecx & bit_VPCLMULQDQ) != 0;
}

std::unique_ptr<SectorCipher> make_aes_xts_vaes(IvKind iv, std::span<const std::byte> key,
                                                std::size_t sector_size) {
  return make_aes_xts<Vaes>(iv, key, sector_size);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_vaes() noexcept {
  return false;
}

std::unique_ptr<SectorCipher> make_aes_xts_vaes(IvKind, std::span<const std::byte>, std::size_t) {
  std::abort();  // have_vaes() is false here
}

}  // namespace luksdetached

#endif
