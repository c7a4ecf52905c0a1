// "keyslots" in LUKS2 metadata (cryptsetup's docs/on-disk-format-luks2, section 3.2).
#pragma once

#include <vector>

#include "luks/header.h"
#include "luks/json_node.h"
#include "luks/luks2_config.h"

namespace luksdetached::luks {

/// Parses `keyslots`, whose areas lie where `config` says, in the order of their numbers. Of a type
/// that is unknown there is only what all types have. Which slots are bound, the digests tell.
/// Throws header_damaged.
std::vector<Keyslot> parse_luks2_keyslots(const Node& keyslots, const Luks2Config& config);

}  // namespace luksdetached::luks
