// LUKS2 tokens: the header itself says where a secret comes from.
#pragma once

#include <optional>
#include <span>

#include "luks/header.h"
#include "luks/kdf_budget.h"
#include "luks/unlock.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Takes the tokens of `header` in their order: asks each for its secret and tries that on the
/// token's key slots alone (only on `only`, if that is given), until one opens. `image` is as for
/// luks::unlock. Tokens of type clevis are asked through the program clevis; there are no others
/// that this version can use. `warn` hears of those that failed before another one opened.
///
/// Throws Error: usage when there is no token to be asked, unsupported when there are only others,
/// source_unreachable when a token's secret cannot be had, and what luks::unlock throws.
luks::Unlocked unlock_by_tokens(const luks::Header& header, std::span<const std::byte> image,
                                std::optional<unsigned> only, luks::KdfBudget& budget,
                                const Warn& warn);

}  // namespace luksdetached
