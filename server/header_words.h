// What reports call the parts of a header, and what several of them work out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "luks/header.h"

namespace luksdetached {

/// "ignore", "normal" or "prefer", as cryptsetup says it.
std::string_view priority_word(const luks::Keyslot& slot) noexcept;

/// "argon2i" or "argon2id", as LUKS2 spells it.
std::string_view argon2_word(Argon2Variant variant) noexcept;

/// False for a derivation that this version has not understood: the header's is unknown to it.
bool is_known(const luks::Kdf& kdf) noexcept;

/// Is the sequence number of the copy known? Of a bad one not always.
bool has_sequence(const luks::HeaderCopy& copy) noexcept;

/// Is it known how the slot's key is split? Only of a slot that this version cannot try it is not.
bool has_splitter(const luks::Keyslot& slot) noexcept;

/// Can a secret open the slot? Not when it is unbound, or asks for what this version does not have.
bool can_open(const luks::Keyslot& slot) noexcept;

/// Bytes of one copy of LUKS2's metadata; nothing for LUKS1.
std::optional<std::uint64_t> metadata_bytes(const luks::Header& header) noexcept;

/// Bytes that LUKS2 keeps for all key slots together; nothing for LUKS1.
std::optional<std::uint64_t> keyslots_bytes(const luks::Header& header) noexcept;

}  // namespace luksdetached
