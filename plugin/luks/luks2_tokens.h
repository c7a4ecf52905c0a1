// "tokens" in LUKS2 metadata (cryptsetup's docs/on-disk-format-luks2, section 3.5).
#pragma once

#include <vector>

#include "luks/header.h"
#include "luks/json_node.h"

namespace luksdetached::luks {

/// Lists `tokens`, which refer to members of `keyslots`, in the order of their numbers. What a
/// token holds beside what is taken from it is its program's business. Throws header_damaged.
std::vector<Token> parse_luks2_tokens(const Node& tokens, const Node& keyslots);

}  // namespace luksdetached::luks
