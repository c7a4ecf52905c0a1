// Where in the payload the encrypted sectors are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "luks/header.h"
#include "volume/volume.h"

namespace luksdetached {

/// The part of a payload of `payload_bytes` that `segment` describes; `offset_override` (bytes)
/// replaces the segment's offset. Whole sectors only; bytes after the last one, and other oddities,
/// are told in `warnings`. Throws Error(payload_too_small) when there is not one sector or less
/// than the segment's fixed size.
DataArea find_data_area(const luks::Segment& segment, std::uint64_t payload_bytes,
                        std::optional<std::uint64_t> offset_override,
                        std::vector<std::string>& warnings);

}  // namespace luksdetached
