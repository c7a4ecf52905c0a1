// Adiantum, a cipher that is fast without AES instructions: every bit of a sector depends on every
// other (Crowley, Biggers: "Adiantum: length-preserving encryption for entry-level processors",
// 2018).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/secure_memory.h"

namespace luksdetached {

/// Adiantum-XChaCha-AES for messages of whole blocks of 16 bytes, such as sectors, and a tweak of
/// 32 bytes.
///
/// Immutable after construction: any number of threads may use one. The keys are in locked memory.
/// AES's round keys are made for each message by Crypto++, which wipes but does not lock them.
class Adiantum {
 public:
  static constexpr std::size_t key_bytes = 32;
  static constexpr std::size_t tweak_bytes = 32;

  /// `rounds` of XChaCha: 12 or 20; `key` has key_bytes.
  Adiantum(unsigned rounds, std::span<const std::byte> key);

  /// Transforms one message of one block or more; `from` and `to` have the same size and are the
  /// same memory or do not overlap. `tweak` has tweak_bytes.
  void encrypt(std::span<const std::byte> tweak, std::span<const std::byte> from,
               std::span<std::byte> to) const;
  void decrypt(std::span<const std::byte> tweak, std::span<const std::byte> from,
               std::span<std::byte> to) const;

  /// See SecureBuffer::lock_again.
  void lock_again() { keys_.lock_again(); }

 private:
  using Block = std::array<std::byte, 16>;
  static constexpr std::size_t nh_chunk_bytes = 1024;  // what one hash of NH takes
  static constexpr std::size_t nh_passes = 4;
  static constexpr std::size_t nh_key_words = nh_chunk_bytes / 4 + 4 * (nh_passes - 1);

  // Names of the paper: K_S; K_E, K_T, K_L and K_N.
  struct Keys {
    std::array<std::byte, 32> stream, block;
    std::array<std::byte, 32> tweak_hash, message_hash;  // r, and zeros where Poly1305 has s
    std::array<std::uint32_t, nh_key_words> nh;
  };

  std::array<std::byte, 8 * nh_passes> nh(std::span<const std::byte> chunk) const noexcept;
  Block hash(std::span<const std::byte> tweak, std::span<const std::byte> message) const;
  void add_stream(const Block& nonce, std::span<const std::byte> from,
                  std::span<std::byte> to) const noexcept;

  unsigned rounds_;
  SecureObject<Keys> keys_;
};

}  // namespace luksdetached
