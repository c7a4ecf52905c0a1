// libblkid, loaded with the first payload that is looked at. Included by payload_signature.cpp
// only.
#pragma once

#include <blkid/blkid.h>

#include "base/shared_library.h"

namespace luksdetached::edit {

/// The functions that are called, as the library's own header declares them.
struct Libblkid {
  SharedLibrary library{"libblkid.so.1", "libblkid1"};
  LUKSDETACHED_FUNCTION(blkid_do_safeprobe);
  LUKSDETACHED_FUNCTION(blkid_free_probe);
  LUKSDETACHED_FUNCTION(blkid_new_probe);
  LUKSDETACHED_FUNCTION(blkid_probe_enable_partitions);
  LUKSDETACHED_FUNCTION(blkid_probe_enable_superblocks);
  LUKSDETACHED_FUNCTION(blkid_probe_lookup_value);
  LUKSDETACHED_FUNCTION(blkid_probe_set_device);
  LUKSDETACHED_FUNCTION(blkid_probe_set_superblocks_flags);
};

/// Loads it when it is called for the first time. Throws as SharedLibrary does.
inline const Libblkid& libblkid() {
  static const Libblkid functions;
  return functions;
}

}  // namespace luksdetached::edit
