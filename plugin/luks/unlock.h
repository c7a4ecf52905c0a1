// From a secret to the volume key.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "crypto/secure_memory.h"
#include "luks/header.h"
#include "luks/kdf_budget.h"

namespace luksdetached::luks {

struct Unlocked {
  SecureBuffer volume_key;
  std::optional<unsigned> keyslot;  ///< the slot that the secret opened; nothing: it needed none
};

/// Tries each of `secrets` on each key slot of `header` by priority, or only on slot `only`, until
/// one yields a key that the digest accepts. `image` is the header's bytes from its start to
/// key_material_end. What it costs is taken from `budget`.
///
/// Throws Error: wrong_secret when every slot was tried in vain; key_derivation when a slot could
/// not be tried and no other opened; usage when there is no slot `only`; unsupported when none of
/// the slots can be tried by this version.
Unlocked unlock(const Header& header, std::span<const std::byte> image,
                std::span<const SecureBuffer> secrets, std::optional<unsigned> only,
                KdfBudget& budget);

}  // namespace luksdetached::luks
