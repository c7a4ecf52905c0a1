// AES-CBC (NIST SP 800-38A, section 6.2) with AES-NI, for x86-64.
//
// Decryption needs the block before only to add it in the end: eight blocks are in flight at once,
// as many as keep the AES units busy. Encryption has to wait for it, so that eight sectors are
// encrypted side by side; those that a run has left over, as many as there are. The IVs of eight
// sectors are made together, so that those of essiv, which are encrypted, cost little. Nothing
// branches or indexes on key or data. What the compiler puts on the stack, which with some
// plaintext would tell of a round key, is wiped after each run of sectors.
#include "crypto/sector_cipher_kernels.h"

#if defined(__x86_64__)

#include <algorithm>

#include "crypto/aes_key_schedule.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

constexpr std::size_t block = sizeof(__m128i);
constexpr std::size_t lanes = 8;

struct AesCbcSchedules {
  AesSchedule encrypt, decrypt, essiv;
};

LUKSDETACHED_AESNI inline __m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

LUKSDETACHED_AESNI inline void store(std::byte* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// `count` sectors side by side. Each of `chain` is a sector's IV, then its last block.
template <std::size_t count>
LUKSDETACHED_AESNI void encrypt_sectors(const AesSchedule& s, int rounds, const std::byte* from,
                                        std::byte* to, std::size_t sector_size,
                                        const __m128i (&ivs)[lanes]) {
  __m128i chain[count];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < count; ++i) chain[i] = ivs[i];
  for (std::size_t at = 0; at < sector_size; at += block) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < count; ++i) {
      const __m128i plain = _mm_xor_si128(load(from + i * sector_size + at), s.round[0]);
      chain[i] = _mm_xor_si128(chain[i], plain);
    }
    for (int n = 1; n < rounds; ++n) {
#pragma GCC unroll 8
      for (__m128i& lane : chain) lane = _mm_aesenc_si128(lane, s.round[n]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < count; ++i) {
      chain[i] = _mm_aesenclast_si128(chain[i], s.round[rounds]);
      store(to + i * sector_size + at, chain[i]);
    }
  }
}

// The same for a number of sectors that is known only now, at most `most`.
template <std::size_t most>
LUKSDETACHED_AESNI void encrypt_sectors(std::size_t count, const AesSchedule& s, int rounds,
                                        const std::byte* from, std::byte* to,
                                        std::size_t sector_size, const __m128i (&ivs)[lanes]) {
  if (count == most) {
    encrypt_sectors<most>(s, rounds, from, to, sector_size, ivs);
  } else if constexpr (most > 1) {
    encrypt_sectors<most - 1>(count, s, rounds, from, to, sector_size, ivs);
  }
}

LUKSDETACHED_AESNI void decrypt_sector(const AesSchedule& s, int rounds, const std::byte* from,
                                       std::byte* to, std::size_t sector_size, __m128i iv) {
  __m128i before = iv;
  for (std::size_t at = 0; at < sector_size; at += lanes * block) {
    __m128i x[lanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      x[i] = _mm_xor_si128(load(from + at + i * block), s.round[0]);
    }
    for (int n = 1; n < rounds; ++n) {
#pragma GCC unroll 8
      for (__m128i& lane : x) lane = _mm_aesdec_si128(lane, s.round[n]);
    }
    const __m128i last = load(from + at + (lanes - 1) * block);
    // Backwards: in place, what is stored was the ciphertext that the next block needs.
#pragma GCC unroll 8
    for (std::size_t i = lanes; i-- > 0;) {
      const __m128i chained = i == 0 ? before : load(from + at + (i - 1) * block);
      // The last round only adds its key, so the block before can be added to the key beforehand.
      store(to + at + i * block,
            _mm_aesdeclast_si128(x[i], _mm_xor_si128(s.round[rounds], chained)));
    }
    before = last;
  }
}

class AesCbcAesni final : public SectorCipher {
 public:
  AesCbcAesni(const CipherSpec& spec, std::span<const std::byte> key, std::size_t sector_size)
      : iv_(*find_iv_kind(spec.iv)), sector_size_(sector_size), rounds_(aes_rounds(key.size())) {
    expand_aes(key, keys_->encrypt);
    invert_aes(keys_->encrypt, rounds_, keys_->decrypt);
    if (iv_ == IvKind::essiv) {
      const SecureBuffer salt = essiv_salt(spec, key);
      expand_aes(salt.span(), keys_->essiv);
      essiv_rounds_ = aes_rounds(salt.size());
    }
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
    std::uint64_t unit = first_sector * (sector_size_ / 512);
    for (std::size_t at = 0; at < from.size();) {
      const std::size_t count = std::min(lanes, (from.size() - at) / sector_size_);
      __m128i ivs[lanes];
      make_ivs(unit, ivs);
      if constexpr (encrypting) {
        encrypt_sectors<lanes>(count, keys_->encrypt, rounds_, from.data() + at, to.data() + at,
                               sector_size_, ivs);
      } else {
        for (std::size_t i = 0; i < count; ++i) {
          decrypt_sector(keys_->decrypt, rounds_, from.data() + at + i * sector_size_,
                         to.data() + at + i * sector_size_, sector_size_, ivs[i]);
        }
      }
      at += count * sector_size_;
      unit += count * (sector_size_ / 512);
    }
  }

  // Those of sectors one after the other, the first of which begins at `unit`.
  LUKSDETACHED_AESNI void make_ivs(std::uint64_t unit, __m128i (&ivs)[lanes]) const {
    for (__m128i& iv : ivs) {
      iv = count_in_block(unit);
      unit += sector_size_ / 512;
    }
    if (iv_ != IvKind::essiv) return;
    const AesSchedule& s = keys_->essiv;
    for (__m128i& iv : ivs) iv = _mm_xor_si128(iv, s.round[0]);
    for (int n = 1; n < essiv_rounds_; ++n) {
#pragma GCC unroll 8
      for (__m128i& iv : ivs) iv = _mm_aesenc_si128(iv, s.round[n]);
    }
    for (__m128i& iv : ivs) iv = _mm_aesenclast_si128(iv, s.round[essiv_rounds_]);
  }

  // As write_iv has it.
  LUKSDETACHED_AESNI __m128i count_in_block(std::uint64_t unit) const {
    if (iv_ == IvKind::plain64be) {
      return _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(unit)), 0);
    }
    if (iv_ == IvKind::plain) unit = static_cast<std::uint32_t>(unit);
    return _mm_set_epi64x(0, static_cast<long long>(unit));
  }

  IvKind iv_;
  std::size_t sector_size_;
  int rounds_;
  int essiv_rounds_ = 0;
  SecureObject<AesCbcSchedules> keys_;
};

}  // namespace

std::unique_ptr<SectorCipher> make_aes_cbc_aesni(const CipherSpec& spec,
                                                 std::span<const std::byte> key,
                                                 std::size_t sector_size) {
  return std::make_unique<AesCbcAesni>(spec, key, sector_size);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

std::unique_ptr<SectorCipher> make_aes_cbc_aesni(const CipherSpec&, std::span<const std::byte>,
                                                 std::size_t) {
  std::abort();  // have_aesni() is false here
}

}  // namespace luksdetached

#endif
