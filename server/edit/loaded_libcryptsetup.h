// libcryptsetup, loaded with the first header that is made or changed: no other command waits for
// it and what it brings. Included by this folder only.
#pragma once

#include <libcryptsetup.h>

#include "base/shared_library.h"

namespace luksdetached::edit {

/// The functions that are called, as the library's own header declares them.
struct Libcryptsetup {
  SharedLibrary library{"libcryptsetup.so.12", "libcryptsetup12"};
  LUKSDETACHED_FUNCTION(crypt_benchmark_pbkdf);
  LUKSDETACHED_FUNCTION(crypt_format);
  LUKSDETACHED_FUNCTION(crypt_free);
  LUKSDETACHED_FUNCTION(crypt_get_pbkdf_default);
  LUKSDETACHED_FUNCTION(crypt_get_pbkdf_type);
  LUKSDETACHED_FUNCTION(crypt_init);
  LUKSDETACHED_FUNCTION(crypt_init_data_device);
  LUKSDETACHED_FUNCTION(crypt_keyslot_add_by_volume_key);
  LUKSDETACHED_FUNCTION(crypt_keyslot_destroy);
  LUKSDETACHED_FUNCTION(crypt_keyslot_set_encryption);
  LUKSDETACHED_FUNCTION(crypt_keyslot_set_priority);
  LUKSDETACHED_FUNCTION(crypt_load);
  LUKSDETACHED_FUNCTION(crypt_metadata_locking);
  LUKSDETACHED_FUNCTION(crypt_set_log_callback);
  LUKSDETACHED_FUNCTION(crypt_set_pbkdf_type);
  LUKSDETACHED_FUNCTION(crypt_set_rng_type);
};

/// Loads it when it is called for the first time. Throws as SharedLibrary does.
inline const Libcryptsetup& libcryptsetup() {
  static const Libcryptsetup functions;
  return functions;
}

}  // namespace luksdetached::edit
