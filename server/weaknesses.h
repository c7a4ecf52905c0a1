// What is weak about a header that is intact.
#pragma once

#include <string>
#include <vector>

#include "luks/header.h"

namespace luksdetached {

/// One thing that a careful administrator would change.
struct Weakness {
  std::string id;                  ///< a short name that stays, for scripts: "single-keyslot"
  std::vector<unsigned> keyslots;  ///< it is about these; empty: about the volume
  std::string message;             ///< what and why, without the numbers of the key slots
};

/// Looks at what `header` says, never at secrets or data. Nothing about what the header's
/// refusals or warnings say already.
std::vector<Weakness> find_weaknesses(const luks::Header& header);

}  // namespace luksdetached
