#include "connection.h"

#include "base/error.h"
#include "newer_nbdkit.h"

namespace luksdetached {

Export::Client::Use volume_of(void* handle) {
  Connection& connection = connection_of(handle);
  try {
    return connection.client.volume();
  } catch (const Error&) {
    if (connection.client.is_over() && connection.knows_of_removal.exchange(true)) {
      disconnect_client();
    }
    throw;
  }
}

}  // namespace luksdetached
