// The state of an interrupted reencryption in LUKS2 metadata. It is checked, not resumed: a header
// that contradicts itself is damaged, whatever else it asks for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "luks/header.h"
#include "luks/json_node.h"
#include "luks/luks2_config.h"
#include "luks/luks2_segments.h"

namespace luksdetached::luks {

/// The type of the key slot whose area saves what is being reencrypted.
inline constexpr std::string_view reencrypt_keyslot_type = "reencrypt";

/// Throws header_damaged when the key slot `node`, of that type, misses what it must have.
void check_reencrypt_keyslot(const Node& node);

/// Throws header_damaged when requirement, key slot and segments of a reencryption disagree.
void check_reencryption(const Luks2Config& config, const std::vector<Keyslot>& keyslots,
                        const std::vector<Luks2Segment>& segments);

/// Why a volume in the middle of reencryption is refused, or nothing when it is not.
std::optional<Refusal> refuse_reencryption(const Luks2Config& config,
                                           const std::vector<Luks2Segment>& segments);

}  // namespace luksdetached::luks
