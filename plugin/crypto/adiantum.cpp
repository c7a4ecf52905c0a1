#include "crypto/adiantum.h"

#include <crypto++/aes.h>
#include <crypto++/poly1305.h>

#include <algorithm>

#include "crypto/hash_types.h"
#include "crypto/little_endian.h"
#include "crypto/xchacha.h"

namespace luksdetached {

namespace {

constexpr std::size_t block = 16;

using Block = std::array<std::byte, block>;

// a + b and a - b modulo 2^128, little-endian.
Block sum(const Block& a, const Block& b) noexcept {
  Block result;
  unsigned carry = 0;
  for (std::size_t n = 0; n < block; ++n) {
    carry += std::to_integer<unsigned>(a[n]) + std::to_integer<unsigned>(b[n]);
    result[n] = static_cast<std::byte>(carry);
    carry >>= 8;
  }
  return result;
}

Block difference(const Block& a, const Block& b) noexcept {
  Block negative;
  std::transform(b.begin(), b.end(), negative.begin(), [](std::byte x) { return ~x; });
  return sum(sum(a, negative), Block{std::byte{1}});
}

Block last_block(std::span<const std::byte> message) noexcept {
  Block result;
  std::copy_n(message.end() - block, block, result.begin());
  return result;
}

Block digest_of(CryptoPP::Poly1305TLS& poly1305) {
  Block digest;
  poly1305.Final(as_bytes(digest.data()));
  return digest;
}

}  // namespace

// Section 2: the other keys are what the stream cipher makes of the one key, with the nonce 1.
Adiantum::Adiantum(unsigned rounds, std::span<const std::byte> key) : rounds_(rounds) {
  Keys& keys = *keys_;
  std::copy(key.begin(), key.end(), keys.stream.begin());
  SecureBuffer derived(keys.block.size() + 2 * block + 4 * nh_key_words);
  const std::array<std::byte, 24> nonce{std::byte{1}};
  XChaCha(rounds, key, nonce).transform(derived.span(), derived.span());
  const std::byte* next = derived.data();
  const auto take = [&](std::byte* to, std::size_t bytes) {
    std::copy_n(next, bytes, to);
    next += bytes;
  };
  take(keys.block.data(), keys.block.size());
  take(keys.tweak_hash.data(), block);
  take(keys.message_hash.data(), block);
  for (std::uint32_t& word : keys.nh) {
    word = load_little_endian<std::uint32_t>(next);
    next += sizeof word;
  }
}

// Each pass uses the key from four words further on.
std::array<std::byte, 8 * Adiantum::nh_passes> Adiantum::nh(
    std::span<const std::byte> chunk) const noexcept {
  std::array<std::uint64_t, nh_passes> sums{};
  const std::uint32_t* key = keys_->nh.data();
  for (std::size_t at = 0; at < chunk.size(); at += block, key += 4) {
    std::array<std::uint32_t, 4> m;
    for (std::size_t n = 0; n < 4; ++n) {
      m[n] = load_little_endian<std::uint32_t>(&chunk[at + 4 * n]);
    }
    for (std::size_t pass = 0; pass < nh_passes; ++pass) {
      const std::uint32_t* const k = key + 4 * pass;
      sums[pass] += std::uint64_t{m[0] + k[0]} * std::uint64_t{m[2] + k[2]};
      sums[pass] += std::uint64_t{m[1] + k[1]} * std::uint64_t{m[3] + k[3]};
    }
  }
  std::array<std::byte, 8 * nh_passes> hashes;
  for (std::size_t pass = 0; pass < nh_passes; ++pass) {
    store_little_endian(&hashes[8 * pass], sums[pass]);
  }
  return hashes;
}

Adiantum::Block Adiantum::hash(std::span<const std::byte> tweak,
                               std::span<const std::byte> message) const {
  CryptoPP::Poly1305TLS of_tweak;
  of_tweak.SetKey(as_bytes(keys_->tweak_hash.data()), keys_->tweak_hash.size());
  Block length{};
  store_little_endian(length.data(), std::uint64_t{message.size()} * 8);
  of_tweak.Update(as_bytes(length.data()), length.size());
  of_tweak.Update(as_bytes(tweak.data()), tweak.size());

  CryptoPP::Poly1305TLS of_message;
  of_message.SetKey(as_bytes(keys_->message_hash.data()), keys_->message_hash.size());
  for (std::size_t at = 0; at < message.size(); at += nh_chunk_bytes) {
    const auto chunk = message.subspan(at, std::min(nh_chunk_bytes, message.size() - at));
    const auto hashes = nh(chunk);
    of_message.Update(as_bytes(hashes.data()), hashes.size());
  }
  return sum(digest_of(of_tweak), digest_of(of_message));
}

void Adiantum::add_stream(const Block& nonce, std::span<const std::byte> from,
                          std::span<std::byte> to) const noexcept {
  std::array<std::byte, 24> whole_nonce{};
  std::copy(nonce.begin(), nonce.end(), whole_nonce.begin());
  whole_nonce[nonce.size()] = std::byte{1};
  XChaCha(rounds_, keys_->stream, whole_nonce).transform(from, to);
}

void Adiantum::encrypt(std::span<const std::byte> tweak, std::span<const std::byte> from,
                       std::span<std::byte> to) const {
  const std::size_t left = from.size() - block;
  CryptoPP::AES::Encryption aes(as_bytes(keys_->block.data()), keys_->block.size());
  Block middle = sum(last_block(from), hash(tweak, from.first(left)));
  aes.ProcessBlock(as_bytes(middle.data()));
  add_stream(middle, from.first(left), to.first(left));
  const Block right = difference(middle, hash(tweak, to.first(left)));
  std::copy(right.begin(), right.end(), to.begin() + static_cast<std::ptrdiff_t>(left));
}

void Adiantum::decrypt(std::span<const std::byte> tweak, std::span<const std::byte> from,
                       std::span<std::byte> to) const {
  const std::size_t left = from.size() - block;
  CryptoPP::AES::Decryption aes(as_bytes(keys_->block.data()), keys_->block.size());
  Block middle = sum(last_block(from), hash(tweak, from.first(left)));
  add_stream(middle, from.first(left), to.first(left));
  aes.ProcessBlock(as_bytes(middle.data()));
  const Block right = difference(middle, hash(tweak, to.first(left)));
  std::copy(right.begin(), right.end(), to.begin() + static_cast<std::ptrdiff_t>(left));
}

}  // namespace luksdetached
