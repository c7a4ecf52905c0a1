// libnbd, loaded with the first connection: it brings a dozen other libraries, and sources that are
// files have no use for them. Included by nbd_connection.cpp only.
#pragma once

#include <libnbd.h>

#include "base/shared_library.h"

namespace luksdetached {

/// The functions that are called, as the library's own header declares them.
struct Libnbd {
  SharedLibrary library{"libnbd.so.0", "libnbd0"};
  LUKSDETACHED_FUNCTION(nbd_add_meta_context);
  LUKSDETACHED_FUNCTION(nbd_aio_block_status);
  LUKSDETACHED_FUNCTION(nbd_aio_cache);
  LUKSDETACHED_FUNCTION(nbd_aio_command_completed);
  LUKSDETACHED_FUNCTION(nbd_aio_connect_socket);
  LUKSDETACHED_FUNCTION(nbd_aio_connect_uri);
  LUKSDETACHED_FUNCTION(nbd_aio_disconnect);
  LUKSDETACHED_FUNCTION(nbd_aio_flush);
  LUKSDETACHED_FUNCTION(nbd_aio_get_direction);
  LUKSDETACHED_FUNCTION(nbd_aio_get_fd);
  LUKSDETACHED_FUNCTION(nbd_aio_is_closed);
  LUKSDETACHED_FUNCTION(nbd_aio_is_created);
  LUKSDETACHED_FUNCTION(nbd_aio_is_dead);
  LUKSDETACHED_FUNCTION(nbd_aio_is_ready);
  LUKSDETACHED_FUNCTION(nbd_aio_notify_read);
  LUKSDETACHED_FUNCTION(nbd_aio_notify_write);
  LUKSDETACHED_FUNCTION(nbd_aio_pread);
  LUKSDETACHED_FUNCTION(nbd_aio_pread_structured);
  LUKSDETACHED_FUNCTION(nbd_aio_pwrite);
  LUKSDETACHED_FUNCTION(nbd_aio_trim);
  LUKSDETACHED_FUNCTION(nbd_can_cache);
  LUKSDETACHED_FUNCTION(nbd_can_df);
  LUKSDETACHED_FUNCTION(nbd_can_flush);
  LUKSDETACHED_FUNCTION(nbd_can_fua);
  LUKSDETACHED_FUNCTION(nbd_can_meta_context);
  LUKSDETACHED_FUNCTION(nbd_can_multi_conn);
  LUKSDETACHED_FUNCTION(nbd_can_trim);
  LUKSDETACHED_FUNCTION(nbd_close);
  LUKSDETACHED_FUNCTION(nbd_create);
  LUKSDETACHED_FUNCTION(nbd_get_block_size);
  LUKSDETACHED_FUNCTION(nbd_get_errno);
  LUKSDETACHED_FUNCTION(nbd_get_error);
  LUKSDETACHED_FUNCTION(nbd_get_size);
  LUKSDETACHED_FUNCTION(nbd_get_tls_negotiated);
  LUKSDETACHED_FUNCTION(nbd_is_read_only);
  LUKSDETACHED_FUNCTION(nbd_is_rotational);
  LUKSDETACHED_FUNCTION(nbd_set_tls_verify_peer);
  LUKSDETACHED_FUNCTION(nbd_set_uri_allow_local_file);
  LUKSDETACHED_FUNCTION(nbd_set_uri_allow_tls);
  LUKSDETACHED_FUNCTION(nbd_set_uri_allow_transports);
};

/// Loads it when it is called for the first time. Throws as SharedLibrary does.
inline const Libnbd& libnbd() {
  static const Libnbd functions;
  return functions;
}

}  // namespace luksdetached
