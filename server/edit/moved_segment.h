// Where the data of a volume begin, changed in its header.
#pragma once

#include <cstdint>

#include "export/load_header.h"

namespace luksdetached::edit {

/// `before`, which must be whole and servable, with data that begin at byte `offset`, a multiple of
/// 512, of what holds them; all else stays. libcryptsetup has no such change. Throws Error: policy
/// when a copy of the metadata is damaged, usage for an offset that the header cannot have.
LoadedHeader move_segment(const LoadedHeader& before, std::uint64_t offset);

/// Where the data begin, in whole MiB, when they follow a header of `header_bytes`.
std::uint64_t offset_behind(std::uint64_t header_bytes) noexcept;

}  // namespace luksdetached::edit
