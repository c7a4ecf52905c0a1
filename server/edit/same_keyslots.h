// Whether a change of a header changed what it should, and nothing else.
#pragma once

#include "export/load_header.h"

namespace luksdetached::edit {

/// Throws Error(header_damaged) unless `after` is a header of the same volume as `before` and has
/// all its key slots, to the bit, but for key slot `id`. Both must be whole.
void check_only_changes_keyslot(const LoadedHeader& before, const LoadedHeader& after, unsigned id);

}  // namespace luksdetached::edit
