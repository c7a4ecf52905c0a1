// A header that is complete but for what says that it is one: nobody takes it for a header, and who
// has written it finds it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "export/load_header.h"

namespace luksdetached::edit {

/// The note's bytes: as many as the magic has.
constexpr std::uint64_t note_end = std::uint64_t{1} << 48U;

/// `header`, which must be whole, with `note` in the place of the magic of the first copy of its
/// metadata, and with zeros in that of the second one. `note`, from 1 to note_end - 1, is what its
/// writer wants to know again.
LoadedHeader without_magic(const LoadedHeader& header, std::uint64_t note);

/// What without_magic was given.
struct WithoutMagic {
  LoadedHeader header;
  std::uint64_t note = 0;
};

/// That, if it is what `bytes` begin with, whole and intact.
std::optional<WithoutMagic> find_without_magic(std::span<const std::byte> bytes);

/// Takes from the header that `place` begins with, if there is one, what says that it is one, of
/// each copy of its metadata, for good when this returns. Throws Error.
void remove_magic(Source& place);

}  // namespace luksdetached::edit
