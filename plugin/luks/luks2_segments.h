// "segments" in LUKS2 metadata (cryptsetup's docs/on-disk-format-luks2, section 3.3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "luks/header.h"
#include "luks/json_node.h"
#include "luks/luks2_config.h"

namespace luksdetached::luks {

/// One member of "segments". A segment of an unknown type has only what all types have.
struct Luks2Segment {
  unsigned id = 0;
  std::string path;  ///< where it stands in the JSON
  std::string type;  ///< "crypt", or another that is not served
  std::vector<std::string> flags;
  std::uint64_t iv_tweak = 0;  ///< crypt: added to the number of each sector of 512 bytes
  std::string integrity;       ///< crypt: how sectors are authenticated, or empty
  Segment segment;             ///< its cipher is still to be taken apart

  bool has_flag(const std::string& flag) const;
  /// Describes the volume before or after reencryption, not a part of the payload.
  bool is_backup() const;
};

/// Parses `segments` of a header whose areas are where `config` says, in the order of their
/// numbers: at least one regular segment, then those that are backups. Throws header_damaged.
std::vector<Luks2Segment> parse_luks2_segments(const Node& segments, const Luks2Config& config);

}  // namespace luksdetached::luks
