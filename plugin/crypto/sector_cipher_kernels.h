// The implementations that make_sector_cipher chooses from. Included by this folder and its tests.
#pragma once

#include <memory>

#include "crypto/sector_cipher.h"
#include "crypto/sector_iv.h"

namespace luksdetached {

/// Does this CPU have what aes_xts_aesni and aes_cbc_aesni need?
bool have_aesni() noexcept;

/// AES-XTS with AES-NI: constant time, round keys in locked memory. `key` has 32 or 64 bytes, `iv`
/// is plain or plain64. Only where have_aesni().
std::unique_ptr<SectorCipher> make_aes_xts_aesni(IvKind iv, std::span<const std::byte> key,
                                                 std::size_t sector_size);

/// Has this CPU what aes_xts_vaes needs besides?
bool have_vaes() noexcept;

/// The same with VAES and AVX2: two blocks at once. Only where have_vaes().
std::unique_ptr<SectorCipher> make_aes_xts_vaes(IvKind iv, std::span<const std::byte> key,
                                                std::size_t sector_size);

/// Has this CPU what aes_xts_vaes512 needs besides?
bool have_vaes512() noexcept;

/// The same with VAES and AVX-512: four blocks at once. Only where have_vaes512().
std::unique_ptr<SectorCipher> make_aes_xts_vaes512(IvKind iv, std::span<const std::byte> key,
                                                   std::size_t sector_size);

/// AES-CBC with AES-NI: constant time, round keys in locked memory. `key` has 16, 24 or 32 bytes;
/// every IV that check_cipher accepts. Only where have_aesni().
std::unique_ptr<SectorCipher> make_aes_cbc_aesni(const CipherSpec& spec,
                                                 std::span<const std::byte> key,
                                                 std::size_t sector_size);

/// A block cipher of Crypto++, for XTS (if its blocks have 16 bytes) and CBC.
struct BlockCipher {
  using Make = std::unique_ptr<SectorCipher>(const CipherSpec& spec, std::span<const std::byte> key,
                                             std::size_t sector_size);
  std::string_view name;  ///< as dm-crypt spells it
  std::size_t block_bytes;
  bool (*has_key_of)(std::size_t bytes);  ///< is that the length of a single key?
  Make* make;                             ///< only for specs and keys that check_cipher accepts
};

/// Portable, slower than a kernel of our own. The key is in locked memory; the round keys are made
/// anew for each run of sectors, in memory that Crypto++ wipes but does not lock.
std::span<const BlockCipher> cryptopp_block_ciphers() noexcept;

/// Adiantum with XChaCha of 12 or 20 `rounds`. `key` has 32 bytes, `iv` is not essiv.
std::unique_ptr<SectorCipher> make_adiantum(unsigned rounds, IvKind iv,
                                            std::span<const std::byte> key,
                                            std::size_t sector_size);

}  // namespace luksdetached
