// Sectors of which it is known what ciphers make of them: a kernel shows with them that it can be
// trusted with data.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "crypto/sector_cipher.h"

namespace luksdetached {

/// A hash over what ciphers, one after the other, make of the known sectors.
class KnownSectors {
 public:
  KnownSectors();

  /// A key for them, of so many bytes.
  static std::vector<std::byte> key(std::size_t bytes);

  /// Encrypts them with this cipher, whose sectors have so many bytes, and decrypts them again.
  void pass(const SectorCipher& cipher, std::size_t sector_size);

  /// Did each cipher restore them, and is this the hash? It is a chain of SHA-256: of the hash so
  /// far, at first zeros, and the ciphertext.
  bool gave(std::span<const unsigned char, 32> answer) const;

 private:
  std::vector<std::byte> plain_, hash_;
  bool restored_ = true;
};

}  // namespace luksdetached
