// The header of a new volume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "kdf_choice.h"
#include "luks/kdf_budget.h"

namespace luksdetached::edit {

/// What is asked of a volume.
struct VolumeChoice {
  unsigned version = 2;                    ///< of LUKS: 1 or 2
  std::string cipher = "aes-xts-plain64";  ///< as cryptsetup spells it
  std::optional<unsigned> key_bits{};      ///< of the volume key; nothing: 512 for XTS, else 256
  std::size_t sector_bytes = 512;  ///< 512, 1024, 2048 or 4096; LUKS1 has no others than 512
  std::string uuid{};              ///< empty: a random one
  std::string label{};             ///< LUKS2 only
  KdfChoice kdf{};
};

/// Sectors of 4096 bytes where they fit: in LUKS2, when a payload of `payload_bytes` has no part of
/// one, unless it is a block device that may write less at once. Else 512. Throws Error.
std::size_t usual_sector_bytes(unsigned version, const std::string& payload_uri,
                               std::uint64_t payload_bytes);

/// A header for a payload of `payload_bytes`, which begins at its first byte and is not looked at;
/// the volume key is random, and `secret` was proved to open key slot 0. `limits` are those of the
/// proof. Throws Error: unsupported or policy for a cipher that is not served, usage for what
/// libcryptsetup refuses.
LoadedHeader make_header(const VolumeChoice& choice, std::uint64_t payload_bytes,
                         const SecureBuffer& secret, const luks::KdfLimits& limits);

}  // namespace luksdetached::edit
