// AES-XTS (IEEE 1619) with AES-NI, for x86-64.
//
// Eight blocks are in flight at once: an AES round has a latency of 3 to 5 cycles and two can start
// per cycle, so eight keep the units busy while the tweaks of the next eight are made by shifts and
// additions on the other ports. Nothing branches or indexes on key or data.
// What the compiler puts on the stack, which with some plaintext would tell of a round key, is
// wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"

#if defined(__x86_64__)

#include <algorithm>

#include "crypto/aes_xts_cipher.h"

namespace luksdetached {

namespace {

constexpr std::size_t block = 16;
constexpr std::size_t lanes = 8;  // also sectors whose tweaks are begun together
constexpr std::size_t step = lanes * block;

LUKSDETACHED_AESNI inline __m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

LUKSDETACHED_AESNI inline void store(std::byte* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// Multiplies a tweak by x in GF(2^128), least significant bit first (IEEE 1619, section 5.2).
LUKSDETACHED_AESNI inline __m128i times_x(__m128i tweak) {
  const __m128i reduction = _mm_set_epi32(0, 1, 0, 0x87);
  const __m128i carries = _mm_srai_epi32(_mm_shuffle_epi32(tweak, 0x13), 31);
  return _mm_xor_si128(_mm_add_epi64(tweak, tweak), _mm_and_si128(carries, reduction));
}

// What begins and ends the cipher, with a tweak or not, is up to the caller.
template <int rounds, bool encrypting>
LUKSDETACHED_AESNI inline void middle_rounds(const AesSchedule& s, __m128i (&x)[lanes]) {
#pragma GCC unroll 14
  for (int n = 1; n < rounds; ++n) {
#pragma GCC unroll 8
    for (__m128i& lane : x) {
      lane = encrypting ? _mm_aesenc_si128(lane, s.round[n]) : _mm_aesdec_si128(lane, s.round[n]);
    }
  }
}

// The tweaks of the first blocks of a group of sectors.
template <int rounds>
LUKSDETACHED_AESNI inline void encrypt_ivs(const AesSchedule& s, const SectorIvs& ivs,
                                           __m128i (&tweaks)[lanes]) {
  __m128i x[lanes];
  // Unrolled, so that it stays in registers: with a small IV this is hardly more than the key.
#pragma GCC unroll 8
  for (std::size_t i = 0; i < lanes; ++i) {
    x[i] = _mm_xor_si128(_mm_set_epi64x(0, ivs.at(i)), s.round[0]);
  }
  middle_rounds<rounds, true>(s, x);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < lanes; ++i) {
    tweaks[i] = _mm_aesenclast_si128(x[i], s.round[rounds]);
  }
}

template <int rounds, bool encrypting>
LUKSDETACHED_AESNI inline void transform_sector(const AesSchedule& s, const std::byte* from,
                                                std::byte* to, std::size_t bytes, __m128i tweak) {
  for (std::size_t at = 0; at < bytes; at += step) {
    __m128i tweaks[lanes];
    __m128i x[lanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      tweaks[i] = tweak;
      tweak = times_x(tweak);
      x[i] = _mm_xor_si128(load(from + at + i * block), _mm_xor_si128(tweaks[i], s.round[0]));
    }
    middle_rounds<rounds, encrypting>(s, x);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      // The last round only adds its key, so the tweak can be added to the key beforehand.
      const __m128i last = _mm_xor_si128(s.round[rounds], tweaks[i]);
      store(to + at + i * block,
            encrypting ? _mm_aesenclast_si128(x[i], last) : _mm_aesdeclast_si128(x[i], last));
    }
  }
}

struct Aesni {
  static constexpr std::string_view name = "aes-ni";

  template <int rounds, bool encrypting>
  [[gnu::noinline]] LUKSDETACHED_AESNI static void transform(const AesXtsSchedules& keys,
                                                             SectorRun run) {
    const AesSchedule& s = encrypting ? keys.encrypt : keys.decrypt;
    __m128i firsts[lanes];
    for (std::size_t at = 0; at < run.bytes;) {
      encrypt_ivs<rounds>(keys.tweak, run.ivs, firsts);
      const std::size_t count = std::min(lanes, (run.bytes - at) / run.sector_size);
      for (std::size_t i = 0; i < count; ++i, at += run.sector_size) {
        transform_sector<rounds, encrypting>(s, run.from + at, run.to + at, run.sector_size,
                                             firsts[i]);
      }
      run.ivs.skip(count);
    }
  }
};

}  // namespace

bool have_aesni() noexcept {
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

std::unique_ptr<SectorCipher> make_aes_xts_aesni(IvKind iv, std::span<const std::byte> key,
                                                 std::size_t sector_size) {
  return make_aes_xts<Aesni>(iv, key, sector_size);
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
