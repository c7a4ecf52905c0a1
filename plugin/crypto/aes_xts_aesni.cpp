// AES-XTS (IEEE 1619) with AES-NI, for x86-64.
//
// Eight blocks are in flight at once: an AES round has a latency of 3 to 5 cycles and two can start
// per cycle, so eight keep the units busy while the tweaks of the next eight are made by shifts and
// additions on the other ports. Nothing branches or indexes on key or data.
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdlib>

#define LUKSDETACHED_AESNI __attribute__((target("aes,sse4.1")))

namespace luksdetached {

namespace {

constexpr std::size_t block = 16;
constexpr std::size_t lanes = 8;

struct Schedule {
  __m128i round[15];
};

struct KeySchedules {
  Schedule encrypt, decrypt, tweak;
};

LUKSDETACHED_AESNI inline __m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

LUKSDETACHED_AESNI inline void store(std::byte* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// FIPS 197, section 5.2: each new word is the one before it, mixed, plus the word one key back.
LUKSDETACHED_AESNI inline __m128i prefix_xor(__m128i words) {
  words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
  return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

template <int round_constant>
LUKSDETACHED_AESNI inline __m128i next_even(__m128i two_back, __m128i one_back) {
  const __m128i mixed =
      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(one_back, round_constant), 0xff);
  return _mm_xor_si128(prefix_xor(two_back), mixed);
}

LUKSDETACHED_AESNI inline __m128i next_odd(__m128i two_back, __m128i one_back) {
  const __m128i mixed = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(one_back, 0), 0xaa);
  return _mm_xor_si128(prefix_xor(two_back), mixed);
}

LUKSDETACHED_AESNI void expand_128(const std::byte* key, Schedule& s) {
  __m128i* const r = s.round;
  r[0] = load(key);
  r[1] = next_even<0x01>(r[0], r[0]);
  r[2] = next_even<0x02>(r[1], r[1]);
  r[3] = next_even<0x04>(r[2], r[2]);
  r[4] = next_even<0x08>(r[3], r[3]);
  r[5] = next_even<0x10>(r[4], r[4]);
  r[6] = next_even<0x20>(r[5], r[5]);
  r[7] = next_even<0x40>(r[6], r[6]);
  r[8] = next_even<0x80>(r[7], r[7]);
  r[9] = next_even<0x1b>(r[8], r[8]);
  r[10] = next_even<0x36>(r[9], r[9]);
}

LUKSDETACHED_AESNI void expand_256(const std::byte* key, Schedule& s) {
  __m128i* const r = s.round;
  r[0] = load(key);
  r[1] = load(key + block);
  r[2] = next_even<0x01>(r[0], r[1]);
  r[3] = next_odd(r[1], r[2]);
  r[4] = next_even<0x02>(r[2], r[3]);
  r[5] = next_odd(r[3], r[4]);
  r[6] = next_even<0x04>(r[4], r[5]);
  r[7] = next_odd(r[5], r[6]);
  r[8] = next_even<0x08>(r[6], r[7]);
  r[9] = next_odd(r[7], r[8]);
  r[10] = next_even<0x10>(r[8], r[9]);
  r[11] = next_odd(r[9], r[10]);
  r[12] = next_even<0x20>(r[10], r[11]);
  r[13] = next_odd(r[11], r[12]);
  r[14] = next_even<0x40>(r[12], r[13]);
}

template <int rounds>
LUKSDETACHED_AESNI void expand(std::span<const std::byte> key, KeySchedules& keys) {
  const std::size_t half = key.size() / 2;
  const auto expand_one = rounds == 10 ? expand_128 : expand_256;
  expand_one(key.data(), keys.encrypt);
  expand_one(key.data() + half, keys.tweak);
  // FIPS 197, section 5.3.5, the equivalent inverse cipher: the keys backwards, mixed between.
  keys.decrypt.round[0] = keys.encrypt.round[rounds];
  for (int n = 1; n < rounds; ++n) {
    keys.decrypt.round[n] = _mm_aesimc_si128(keys.encrypt.round[rounds - n]);
  }
  keys.decrypt.round[rounds] = keys.encrypt.round[0];
}

template <int rounds>
LUKSDETACHED_AESNI inline __m128i encrypt_block(const Schedule& s, __m128i x) {
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
LUKSDETACHED_AESNI void transform_sector(const KeySchedules& keys, const std::byte* from,
                                         std::byte* to, std::size_t bytes, __m128i tweak) {
  const Schedule& s = encrypting ? keys.encrypt : keys.decrypt;
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
    expand<rounds>(key, *keys_);
  }

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    transform<true>(from, to, first_sector);
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    transform<false>(from, to, first_sector);
  }
  std::string_view kernel() const noexcept override { return "aes-ni"; }
  bool constant_time() const override { return true; }
  void lock_again() override { keys_.lock_again(); }

 private:
  template <bool encrypting>
  LUKSDETACHED_AESNI void transform(std::span<const std::byte> from, std::span<std::byte> to,
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
  SecureObject<KeySchedules> keys_;
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
