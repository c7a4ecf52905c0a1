// The implementations that make_sector_cipher chooses from. Included by this folder and its tests.
#pragma once

#include <memory>

#include "crypto/sector_cipher.h"

namespace luksdetached {

/// How a sector's number becomes the 16-byte IV or tweak, as dm-crypt does it.
enum class IvKind {
  plain,      ///< 32-bit little-endian count of 512-byte units, wraps
  plain64,    ///< 64-bit little-endian
  plain64be,  ///< 64-bit big-endian, at the end of the IV
  essiv,      ///< plain64, encrypted with the hash of the key
};

/// Does this CPU have what aes_xts_aesni needs?
bool have_aesni() noexcept;

/// AES-XTS with AES-NI: constant time, round keys in locked memory. `key` has 32 or 64 bytes, `iv`
/// is plain or plain64. Only where have_aesni().
std::unique_ptr<SectorCipher> make_aes_xts_aesni(IvKind iv, std::span<const std::byte> key,
                                                 std::size_t sector_size);

/// Any cipher that check_cipher accepts, by Crypto++: portable, slower, and its round keys are in
/// memory that Crypto++ wipes but does not lock.
std::unique_ptr<SectorCipher> make_cryptopp_sector_cipher(const CipherSpec& spec,
                                                          std::span<const std::byte> key,
                                                          std::size_t sector_size);

/// The IV kind that `spec` names. Only for specs that check_cipher accepts.
IvKind iv_kind(const CipherSpec& spec);

}  // namespace luksdetached
