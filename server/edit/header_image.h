// Changes of a header in memory, by libcryptsetup: an image in, another one out. It gets no device
// of the user's to see, needs neither root nor the kernel's ciphers, and writes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "kdf_choice.h"

namespace luksdetached::edit {

/// A key slot to be made.
struct NewKeyslot {
  unsigned id = 0;        ///< a free one
  unsigned priority = 1;  ///< as luks::Keyslot::priority; LUKS1 has no other
  KdfChoice kdf{};
};

/// `before`, which must be whole, with one more key slot that `secret` opens. Throws Error:
/// key_derivation when the memory that is asked for is not there, usage when libcryptsetup refuses
/// what is asked for.
LoadedHeader add_keyslot(const LoadedHeader& before, const SecureBuffer& volume_key,
                         const SecureBuffer& secret, const NewKeyslot& slot);

/// `before`, which must be whole, without key slot `id`, whose area has noise afterwards.
LoadedHeader remove_keyslot(const LoadedHeader& before, unsigned id);

}  // namespace luksdetached::edit
