// PBKDF2 with HMAC (RFC 8018, section 5.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/hash.h"

namespace luksdetached {

/// What a key is derived from. `iterations` is 1 or more.
struct Pbkdf2Input {
  Hash hash;
  std::span<const std::byte> secret, salt;
  std::uint32_t iterations;
  std::size_t key_bytes;  ///< 1 or more
};

/// A derivation that can be done a bit at a time, and by several threads: the key is made of
/// blocks, each as long as a digest, which know nothing of each other. All intermediate values live
/// in locked memory.
class Pbkdf2Derivation {
 public:
  Pbkdf2Derivation() = default;
  Pbkdf2Derivation(const Pbkdf2Derivation&) = delete;
  Pbkdf2Derivation& operator=(const Pbkdf2Derivation&) = delete;
  virtual ~Pbkdf2Derivation() = default;

  /// Goes on with `count` blocks from `first` on, each by at most so many `iterations`. With some
  /// hashes that takes less time than with one after the other. Returns true when all of them are
  /// done. No two threads may be at the same block at once.
  virtual bool advance(std::size_t first, std::size_t count, std::uint32_t iterations) = 0;

  /// When all blocks are done: writes the key, as many bytes as the input says.
  virtual void take(std::span<std::byte> key) const = 0;
};

/// How many blocks the key of `input` has.
std::size_t pbkdf2_blocks(const Pbkdf2Input& input) noexcept;

/// Begins a derivation. Copies what it needs of the secret and the salt. Throws
/// Error(key_derivation) when there is no locked memory.
std::unique_ptr<Pbkdf2Derivation> begin_pbkdf2(const Pbkdf2Input& input);

/// Derives `key.size()` bytes (at least 1) from `secret` and `salt`, here and now. Throws like
/// begin_pbkdf2.
void pbkdf2(Hash hash, std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::uint32_t iterations, std::span<std::byte> key);

}  // namespace luksdetached
