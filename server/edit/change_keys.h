// Adds and removes keys of a header that is being changed.
#pragma once

#include "crypto/secure_memory.h"
#include "edited_header.h"
#include "header_image.h"
#include "luks/kdf_budget.h"

namespace luksdetached::edit {

/// Makes a key slot that `secret` opens, proves that it does, and only then writes it. `limits` are
/// those of the proof: what costs more is not made. Throws Error.
void add_key(EditedHeader& header, const SecureBuffer& volume_key, const SecureBuffer& secret,
             const NewKeyslot& slot, const luks::KdfLimits& limits);

/// Removes key slot `id`, whichever it is. Throws Error.
void remove_key(EditedHeader& header, unsigned id);

}  // namespace luksdetached::edit
