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

/// Reads only as much of `source` as the header has, and parses it. Errors name the source.
LoadedHeader load_header(Source& source);

}  // namespace luksdetached
