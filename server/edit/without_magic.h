// A header that is complete but for what says that it is one: nobody takes it for a header, and who
// has written it finds it again.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "export/load_header.h"

namespace luksdetached::edit {

/// `header`, which must be whole, with zeros instead of the magic of each copy of its metadata.
LoadedHeader without_magic(const LoadedHeader& header);

/// The header that without_magic was given, if that is what `bytes` begin with, whole and intact.
std::optional<LoadedHeader> find_without_magic(std::span<const std::byte> bytes);

}  // namespace luksdetached::edit
