// Reads a header from its source, once.
#pragma once

#include <cstddef>
#include <vector>

#include "luks/header.h"
#include "source/source.h"

namespace luksdetached {

/// A parsed header together with the bytes that unlocking needs.
struct LoadedHeader {
  luks::Header header;
  std::vector<std::byte> image;  ///< bytes 0 to header.key_material_end of the source
};

/// Reads only as much of `source` as unlocking needs, and parses it. Whether the header can be
/// served is for luks::check_servable. Errors name the source; it is truncated when it ends before
/// the last key slot area does, in use or not.
LoadedHeader load_header(Source& source);

}  // namespace luksdetached
