// AES-XTS (IEEE 1619) with AES-NI, for x86-64.
//
// Eight blocks are in flight at once: an AES round has a latency of 3 to 5 cycles and two can start
// per cycle, so eight keep the units busy while the tweaks of the next eight are made by shifts and
// additions on the other ports. Nothing branches or indexes on key or data.
// What the compiler puts on the stack, which with some plaintext would tell of a round key, is
// wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

#if defined(__x86_64__)

#include "crypto/aes_key_schedule.h"

namespace luksdetached {

namespace {

constexpr std::size_t block = 16;
constexpr std::size_t lanes = 8;

LUKSDETACHED_AESNI inline __m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

LUKSDETACHED_AESNI inline void store(std::byte* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

template <int rounds>
LUKSDETACHED_AESNI inline __m128i encrypt_block(const AesSchedule& s, __m128i x) {
  x = _mm_xor_si128(x, s.round[0]);
  for (int n = 1; n < rounds; ++n) x = _mm_aesenc_si128(x, s.round[n]);
  return _mm_aesenclast_si128(x, s.round[rounds]);
}

// Multiplies a tweak by x in GF(2^128), least significant bit first (IEEE 1619, section 5.2).
LUKSDETACHED_AESNI inline __m128i times_x(__m128i tweak) {
  const __m128i reduction = _mm_set_epi32(0, 1, 0, 0x87);
  const __m128i carries = _mm_srai_epi32(_mm_shuffle_epi32(tweak, 0x13), 31);
  return _mm_xor_si128(_mm_add_epi64(tweak, tweak), _mm_and_si128(carries, reduction));
}

template <int rounds, bool encrypting>
LUKSDETACHED_AESNI void transform_sector(const AesXtsSchedules& keys, const std::byte* from,
                                         std::byte* to, std::size_t bytes, __m128i tweak) {
  const AesSchedule& s = encrypting ? keys.encrypt : keys.decrypt;
  for (std::size_t at = 0; at < bytes; at += lanes * block) {
    __m128i tweaks[lanes];
    __m128i x[lanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      tweaks[i] = tweak;
      tweak = times_x(tweak);
      x[i] = _mm_xor_si128(load(from + at + i * block), _mm_xor_si128(tweaks[i], s.round[0]));
    }
#pragma GCC unroll 14
    for (int n = 1; n < rounds; ++n) {
#pragma GCC unroll 8
      for (__m128i& lane : x) {
        lane = encrypting ? _mm_aesenc_si128(lane, s.round[n]) : _mm_aesdec_si128(lane, s.round[n]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      // The last round only adds its key, so the tweak can be added to the key beforehand.
      const __m128i last = _mm_xor_si128(s.round[rounds], tweaks[i]);
      store(to + at + i * block,
            encrypting ? _mm_aesenclast_si128(x[i], last) : _mm_aesdeclast_si128(x[i], last));
    }
  }
}

template <int rounds>
class AesXtsAesni final : public SectorCipher {
 public:
  AesXtsAesni(IvKind iv, std::span<const std::byte> key, std::size_t sector_size)
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
  std::string_view kernel() const noexcept override { return "aes-ni"; }
  bool constant_time() const override { return true; }
  void lock_again() override { keys_.lock_again(); }

 private:
  // Not in its caller, whose own part of the stack is not wiped.
  template <bool encrypting>
  [[gnu::noinline]] LUKSDETACHED_AESNI void transform(std::span<const std::byte> from,
                                                      std::span<std::byte> to,
                                                      std::uint64_t first_sector) const {
    const std::uint64_t units = sector_size_ / 512;
    std::uint64_t unit = first_sector * units;
    for (std::size_t at = 0; at < from.size(); at += sector_size_, unit += units) {
      const std::uint64_t count = wraps_ ? static_cast<std::uint32_t>(unit) : unit;
      const __m128i iv = _mm_set_epi64x(0, static_cast<long long>(count));
      transform_sector<rounds, encrypting>(*keys_, from.data() + at, to.data() + at, sector_size_,
                                           encrypt_block<rounds>(keys_->tweak, iv));
    }
  }

  bool wraps_;  // "plain" counts in 32 bits
  std::size_t sector_size_;
  SecureObject<AesXtsSchedules> keys_;
};

}  // namespace

bool have_aesni() noexcept {
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

std::unique_ptr<SectorCipher> make_aes_xts_aesni(IvKind iv, std::span<const std::byte> key,
                                                 std::size_t sector_size) {
  if (key.size() == 32) return std::make_unique<AesXtsAesni<10>>(iv, key, sector_size);
  return std::make_unique<AesXtsAesni<14>>(iv, key, sector_size);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_aesni() noexcept {
  return false;
}

std::unique_ptr<SectorCipher> make_aes_xts_aesni(IvKind, std::span<const std::byte>, std::size_t) {
  std::abort();  // have_aesni() is false here
}

}  // namespace luksdetached

#endif
