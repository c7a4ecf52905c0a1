// From a secret to the volume key.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "crypto/secure_memory.h"
#include "luks/header.h"

namespace luksdetached::luks {

/// Most that a header may make us spend on one key derivation. More is refused before it starts.
struct KdfLimits {
  std::uint64_t argon2_memory_bytes = std::uint64_t{4} << 30;  ///< LUKS2's own maximum
  std::uint64_t argon2_work_bytes = std::uint64_t{64} << 30;   ///< memory times passes: a minute
  std::uint32_t argon2_lanes = 64;                             ///< threads
  std::uint32_t pbkdf2_iterations = 100'000'000;               ///< half a minute
};

struct Unlocked {
  SecureBuffer volume_key;
  unsigned keyslot;  ///< the slot that the secret opened
};

/// Tries each of `secrets` on each key slot of `header` by priority, or only on slot `only`, until
/// one yields a key that the digest accepts. `image` is the header's bytes from its start to
/// key_material_end.
///
/// Throws Error: wrong_secret when every slot was tried in vain; key_derivation when a slot could
/// not be tried and no other opened; usage when there is no slot `only`; unsupported when none of
/// the slots can be tried by this version.
Unlocked unlock(const Header& header, std::span<const std::byte> image,
                std::span<const SecureBuffer> secrets, std::optional<unsigned> only,
                const KdfLimits& limits = {});

}  // namespace luksdetached::luks
