// A LUKS1 key slot with a cipher that libcryptsetup has only with the kernel's help: by our own.
// Included by this folder only.
#pragma once

#include <cstdint>

#include "crypto/secure_memory.h"
#include "export/load_header.h"

namespace luksdetached::edit {

/// `before`, a LUKS1 header that is whole, with `volume_key` in key slot `id`, which is free, for
/// `secret` and PBKDF2 of so many iterations (cryptsetup's docs/on-disk-format, sections 2.2 to
/// 2.4). Throws Error.
LoadedHeader add_luks1_keyslot(const LoadedHeader& before, const SecureBuffer& volume_key,
                               const SecureBuffer& secret, unsigned id, std::uint32_t iterations);

}  // namespace luksdetached::edit
