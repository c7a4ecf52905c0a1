// How dm-crypt turns the number of a sector into an IV or tweak.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crypto/cipher_spec.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

enum class IvKind {
  plain,      ///< 32-bit little-endian count of 512-byte units, wraps
  plain64,    ///< 64-bit little-endian
  plain64be,  ///< 64-bit big-endian, at the end of the IV
  essiv,      ///< plain64, encrypted with the hash of the key
};

/// The kind that a cipher's specification calls `name`, or nothing.
std::optional<IvKind> find_iv_kind(std::string_view name) noexcept;

/// Fills `iv` (8 bytes or more) for the sector that begins so many units of 512 bytes from the
/// start of the encrypted area. That of essiv has yet to be encrypted.
void write_iv(IvKind kind, std::uint64_t units_of_512, std::span<std::byte> iv) noexcept;

/// The key that essiv encrypts its IVs with: the hash of `key`, which is the whole key of the
/// volume. Empty for a cipher with another IV. `check_cipher` has accepted `spec`.
SecureBuffer essiv_salt(const CipherSpec& spec, std::span<const std::byte> key);

}  // namespace luksdetached
