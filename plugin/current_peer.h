// The client that nbdkit calls for.
#pragma once

#include "peer.h"

namespace luksdetached {

/// Who the client of this thread's connection is. `tls`: whether its connection uses TLS now.
/// Throws Error(policy) when its address cannot be known.
Peer current_peer(bool tls);

}  // namespace luksdetached
