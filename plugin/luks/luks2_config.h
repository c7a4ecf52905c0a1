// "config" in LUKS2 metadata (cryptsetup's docs/on-disk-format-luks2, section 3.6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "luks/json_node.h"

namespace luksdetached::luks {

/// Who left the volume half reencrypted, as the mandatory requirements tell.
enum class Reencryption {
  none,
  offline,         ///< the separate program that cryptsetup once had
  online,          ///< cryptsetup since 2.2: its state is in the metadata
  online_unknown,  ///< a later version of that, whose metadata may be different
};

/// What "config" says.
struct Luks2Config {
  std::uint64_t areas_begin = 0;  ///< bytes from the start of the header to the key slot areas
  std::uint64_t areas_end = 0;    ///< bytes to their end
  std::vector<std::string> flags;
  Reencryption reencryption = Reencryption::none;
  std::vector<std::string> unknown_requirements;  ///< mandatory ones that are about something else
};

/// Parses `node`, the "config" of a header whose copies have `metadata_bytes` each. Throws
/// header_damaged.
Luks2Config parse_luks2_config(const Node& node, std::uint64_t metadata_bytes);

}  // namespace luksdetached::luks
