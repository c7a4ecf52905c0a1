// How an export came to be open.
#pragma once

#include <optional>
#include <string>

namespace luksdetached {

struct UnlockFacts {
  std::string header;               ///< the one that was used: a path or URI, redacted
  std::optional<unsigned> keyslot;  ///< nothing: its volume key was given
};

}  // namespace luksdetached
