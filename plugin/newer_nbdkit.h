// What nbdkit has since versions that are newer than the one this is compiled with.
#pragma once

#include <string>

namespace luksdetached {

/// Has it nbdkit_disconnect (1.34)?
bool nbdkit_disconnects() noexcept;

/// Closes the connection of the client that this thread works for, without an answer to this or any
/// other request. Does nothing with an nbdkit that cannot. Not in `open` or before.
void disconnect_client() noexcept;

/// Has it nbdkit_peer_tls_dn (1.42)?
bool nbdkit_tells_subjects() noexcept;

/// The subject of the certificate of the client that this thread works for, if nbdkit verified one
/// and tells it; else empty.
std::string client_subject();

}  // namespace luksdetached
