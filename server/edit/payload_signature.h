// What a payload seems to hold already.
#pragma once

#include <string>

#include "source/source.h"

namespace luksdetached::edit {

/// What libblkid, or a LUKS header, says is there: "a LUKS header", "ext4", "a gpt partition
/// table"; empty when nothing is known of it. Reads the first and the last megabyte. Throws Error.
std::string find_signature(Source& payload);

}  // namespace luksdetached::edit
