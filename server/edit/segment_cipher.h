// The name of the data's cipher in a header.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "export/load_header.h"

namespace luksdetached::edit {

/// `before`, which must be whole, for data that are encrypted with `cipher`, a name such as
/// serpent-xts-plain64 whose keys have the same length. Key slots of LUKS1 are encrypted with it,
/// too: there must be none yet. What LUKS2's key slots hold stays right. Throws Error.
LoadedHeader with_segment_cipher(const LoadedHeader& before, const std::string& cipher);

}  // namespace luksdetached::edit
