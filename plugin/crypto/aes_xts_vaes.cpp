// AES-XTS (IEEE 1619) with VAES and AVX2, for x86-64: two blocks in each register.
//
// Eight registers are in flight at once, as many as keep the units busy, and no loop waits for a
// chain: the tweaks of sixteen blocks come from the first by shifts of different widths, each later
// tweak is the one sixteen blocks before it shifted by two bytes, and the first ones of sixteen
// sectors are encrypted together. Nothing branches or indexes on key or data. Round keys are read
// where they are, but there are not registers enough for the rest: what the compiler puts on the
// stack, which with some plaintext would give a round key, is wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include <algorithm>

#include "crypto/aes_key_schedule.h"

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

// Multiplies tweaks by x^n in GF(2^128); `n`, less than 64, is in each half of its tweak.
LUKSDETACHED_VAES inline __m256i times_x_to(__m256i n, __m256i tweaks) {
  const __m256i carries = _mm256_srlv_epi64(tweaks, _mm256_sub_epi64(_mm256_set1_epi64x(64), n));
  const __m256i shifted =
      _mm256_xor_si256(_mm256_sllv_epi64(tweaks, n), _mm256_slli_si256(carries, 8));
  return _mm256_xor_si256(shifted, _mm256_clmulepi64_epi128(carries, reduction(), 0x01));
}

// The same by x^16.
LUKSDETACHED_VAES inline __m256i times_x_to_16(__m256i tweaks) {
  const __m256i carries = _mm256_srli_si256(tweaks, 14);
  return _mm256_xor_si256(_mm256_slli_si256(tweaks, 2),
                          _mm256_clmulepi64_epi128(carries, reduction(), 0x00));
}

// What begins and ends the cipher, with a tweak or not, is up to the caller.
template <int rounds, bool encrypting>
LUKSDETACHED_VAES inline void middle_rounds(const AesSchedule& s, __m256i (&x)[registers]) {
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
    const __m256i key = both(s.round[n]);
#pragma GCC unroll 8
    for (__m256i& two : x) {
      two = encrypting ? _mm256_aesenc_epi128(two, key) : _mm256_aesdec_epi128(two, key);
    }
  }
}

template <int rounds, bool encrypting>
LUKSDETACHED_VAES void transform_sector(const AesSchedule& s, const std::byte* from, std::byte* to,
                                        std::size_t bytes, const __m128i& first_tweak) {
  __m256i tweaks[registers];
  const __m256i first = both(first_tweak);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < registers; ++i) {
    const long long n = 2 * static_cast<long long>(i);
    tweaks[i] = times_x_to(_mm256_set_epi64x(n + 1, n + 1, n, n), first);
  }
  for (std::size_t at = 0; at < bytes; at += step) {
    __m256i x[registers];
    const __m256i before = both(s.round[0]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < registers; ++i) {
      x[i] = _mm256_xor_si256(load(from + at + i * pair), _mm256_xor_si256(tweaks[i], before));
    }
    middle_rounds<rounds, encrypting>(s, x);
    const __m256i after = both(s.round[rounds]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < registers; ++i) {
      // The last round only adds its key, so the tweak can be added to the key beforehand.
      const __m256i last = _mm256_xor_si256(after, tweaks[i]);
      store(to + at + i * pair, encrypting ? _mm256_aesenclast_epi128(x[i], last)
                                           : _mm256_aesdeclast_epi128(x[i], last));
      tweaks[i] = times_x_to_16(tweaks[i]);
    }
  }
}

template <int rounds>
class AesXtsVaes final : public SectorCipher {
 public:
  AesXtsVaes(IvKind iv, std::span<const std::byte> key, std::size_t sector_size)
      : wraps_(iv == IvKind::plain), sector_size_(sector_size) {
    expand_aes_xts(key, *keys_);
  }

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    const StackWiper<4> stack_wiper;
    transform<true>(from, to, first_sector);
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    const StackWiper<4> stack_wiper;
    transform<false>(from, to, first_sector);
  }
  std::string_view kernel() const noexcept override { return "vaes"; }
  bool constant_time() const override { return true; }
  void lock_again() override { keys_.lock_again(); }

 private:
  // The first tweaks of a group of sectors, the first of which has the IV `unit`.
  LUKSDETACHED_VAES void begin_tweaks(std::uint64_t unit, __m128i (&tweaks)[group]) const {
    const std::uint64_t units = sector_size_ / 512;
    const AesSchedule& s = keys_->tweak;
    __m256i x[registers];
    // Unrolled, so that it stays in registers: with a small IV this is hardly more than the key.
#pragma GCC unroll 8
    for (__m256i& two : x) {
      two = _mm256_set_epi64x(0, iv(unit + units), 0, iv(unit));
      two = _mm256_xor_si256(two, both(s.round[0]));
      unit += 2 * units;
    }
    middle_rounds<rounds, true>(s, x);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < registers; ++i) {
      x[i] = _mm256_aesenclast_epi128(x[i], both(s.round[rounds]));
      tweaks[2 * i] = _mm256_castsi256_si128(x[i]);
      tweaks[2 * i + 1] = _mm256_extracti128_si256(x[i], 1);
    }
  }

  // Not in its caller, whose own part of the stack is not wiped.
  template <bool encrypting>
  [[gnu::noinline]] LUKSDETACHED_VAES void transform(std::span<const std::byte> from,
                                                     std::span<std::byte> to,
                                                     std::uint64_t first_sector) const {
    std::uint64_t unit = first_sector * (sector_size_ / 512);
    __m128i tweaks[group];
    for (std::size_t at = 0; at < from.size();) {
      begin_tweaks(unit, tweaks);
      const std::size_t count = std::min(group, (from.size() - at) / sector_size_);
      for (std::size_t i = 0; i < count; ++i, at += sector_size_) {
        transform_sector<rounds, encrypting>(encrypting ? keys_->encrypt : keys_->decrypt,
                                             from.data() + at, to.data() + at, sector_size_,
                                             tweaks[i]);
      }
      unit += count * (sector_size_ / 512);
    }
  }

  long long iv(std::uint64_t unit) const noexcept {
    return static_cast<long long>(wraps_ ? static_cast<std::uint32_t>(unit) : unit);
  }

  bool wraps_;  // "plain" counts in 32 bits
  std::size_t sector_size_;
  SecureObject<AesXtsSchedules> keys_;
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
  if (key.size() == 32) return std::make_unique<AesXtsVaes<10>>(iv, key, sector_size);
  return std::make_unique<AesXtsVaes<14>>(iv, key, sector_size);
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
