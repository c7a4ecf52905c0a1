// The volume key itself: whether some bytes are it.
#pragma once

#include "crypto/secure_memory.h"
#include "luks/header.h"
#include "luks/kdf_budget.h"
#include "luks/unlock.h"

namespace luksdetached::luks {

/// Is `digest` the one of `key`? Compares in constant time. It tells keys of one length apart: a
/// shorter or longer one may differ from the right one in zeros at its end alone. The caller has
/// taken its cost from a budget.
bool is_digest_of(const Digest& digest, const SecureBuffer& key);

/// Opens with the volume key itself a header that check_servable lets be opened so. Needs no key
/// slot and no key material. Throws Error: wrong_secret when `key` is not the key of the volume, or
/// could be a shorter one that was padded; key_derivation when the digest costs too much.
Unlocked unlock_with_volume_key(const Header& header, const SecureBuffer& key, KdfBudget& budget);

}  // namespace luksdetached::luks
