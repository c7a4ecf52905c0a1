// "digests" in LUKS2 metadata (cryptsetup's docs/on-disk-format-luks2, section 3.4).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "luks/header.h"
#include "luks/json_node.h"

namespace luksdetached::luks {

/// One member of "digests".
struct Luks2Digest {
  std::string path;  ///< where it stands in the JSON
  std::set<unsigned> keyslots;
  std::set<unsigned> segments;     ///< none: its key slots are unbound
  Digest digest;                   ///< empty when it has no segment or is refused
  std::optional<Refusal> refusal;  ///< why it cannot tell a right key from a wrong one
};

/// Parses `digests`, which refer to members of `keyslots` and `segments`. Throws header_damaged.
std::vector<Luks2Digest> parse_luks2_digests(const Node& digests, const Node& keyslots,
                                             const Node& segments);

}  // namespace luksdetached::luks
