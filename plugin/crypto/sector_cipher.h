// The only way to transform sectors: built once from a key, then shared by all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "crypto/cipher_spec.h"

namespace luksdetached {

/// Encrypts and decrypts runs of whole sectors, each with its own IV or tweak.
///
/// Immutable after construction: any number of threads may call encrypt and decrypt at once.
class SectorCipher {
 public:
  SectorCipher() = default;
  SectorCipher(const SectorCipher&) = delete;
  SectorCipher& operator=(const SectorCipher&) = delete;
  virtual ~SectorCipher() = default;

  /// Transforms `from` into `to`: the same size, a multiple of the sector size, either the same
  /// memory or not overlapping. `first_sector` counts sectors of this cipher's sector size from the
  /// start of the encrypted area; it is turned into IV units of 512 bytes inside, as dm-crypt
  /// counts them.
  virtual void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
                       std::uint64_t first_sector) const = 0;
  virtual void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
                       std::uint64_t first_sector) const = 0;

  /// The implementation that was chosen for this CPU: "vaes512", "vaes", "aes-ni", "cryptopp"
  /// or "portable".
  virtual std::string_view kernel() const noexcept = 0;

  /// Does it take the same time and touch the same memory whatever the key and the data are? One
  /// that looks up tables by secret bytes does not: others who share the CPU's caches may learn
  /// from that.
  virtual bool constant_time() const = 0;

  /// In the child after fork(2): locks the key schedule into memory again.
  virtual void lock_again() {}
};

/// Is this cipher one that we serve? Throws Error(unsupported) that names the part which is not, or
/// Error(policy) for what hides too little (null, ecb).
void check_cipher(const CipherSpec& spec);

/// Has the cipher, which `check_cipher` accepted, keys of `key_bytes`?
bool key_fits(const CipherSpec& spec, std::size_t key_bytes);

/// Both: throws Error(header_damaged) for a key length the cipher does not have.
void check_cipher(const CipherSpec& spec, std::size_t key_bytes);

/// Builds the cipher that `check_cipher` accepted. `sector_size` is 512, 1024, 2048 or 4096 bytes.
/// The key is copied into locked memory of the cipher's own; the caller wipes its copy.
std::unique_ptr<SectorCipher> make_sector_cipher(const CipherSpec& spec,
                                                 std::span<const std::byte> key,
                                                 std::size_t sector_size);

/// The ciphers that `check_cipher` accepts, for people: "aes-xts-plain64 aes-xts-plain …".
std::string supported_ciphers();

}  // namespace luksdetached
