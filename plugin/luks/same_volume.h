// Whether two headers are of one volume, such as a header and its backup.
#pragma once

#include <string>

#include "luks/header.h"

namespace luksdetached::luks {

/// What of `one` and `other` must be equal, because it goes with the volume key and the encrypted
/// data, and is not: as "the UUID is a, not b", where `one` has a. Empty: they are of one volume.
/// Both must have been found servable.
std::string volume_difference(const Header& one, const Header& other);

}  // namespace luksdetached::luks
