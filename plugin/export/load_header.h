// Reads a header from its source, once.
#pragma once

#include <cstddef>
#include <vector>

#include "luks/header.h"
#include "source/source.h"

namespace luksdetached {

/// A parsed header together with the bytes that it was parsed from.
struct LoadedHeader {
  luks::Header header;
  std::vector<std::byte> image;  ///< the source's bytes from 0 to the end of what was asked for
};

/// How much of a header is read.
enum class HeaderPart {
  metadata,      ///< what says where everything is
  key_material,  ///< what unlocking needs: to header.key_material_end
  whole,         ///< all key slot areas: to header.end
};

/// What an error says is to be done about a header that is not there or damaged.
enum class HeaderAdvice {
  backup,  ///< use a backup
  none,    ///< for who does just that
};

/// Reads no more of `source` than `part`, each byte once, and parses it. Whether the header can be
/// served is for luks::check_servable. Errors name the source; it is truncated when it ends before
/// the last key slot area does, in use or not, unless only the metadata are asked for.
LoadedHeader load_header(Source& source, HeaderPart part = HeaderPart::key_material,
                         HeaderAdvice advice = HeaderAdvice::backup);

}  // namespace luksdetached
