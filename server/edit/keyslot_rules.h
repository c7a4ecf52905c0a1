// Which key slot is taken for a new key, and which may go.
#pragma once

#include <optional>

#include "luks/header.h"

namespace luksdetached::edit {

/// How many key slots a header of this version can have.
unsigned most_keyslots(const luks::Header& header) noexcept;

/// `wanted`, or the first free key slot. Throws Error(usage) when `wanted` is in use or cannot be,
/// or when none is free, with what to do.
unsigned free_keyslot(const luks::Header& header, std::optional<unsigned> wanted);

/// The key slot `id`. Throws Error(usage) when it is not in use.
const luks::Keyslot& find_keyslot(const luks::Header& header, unsigned id);

/// Throws Error(policy) when key slot `id` is the last one that a secret could open.
void check_not_last(const luks::Header& header, unsigned id);

}  // namespace luksdetached::edit
