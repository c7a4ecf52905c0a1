// Who may open the export: nbdkit's view of the client.
#pragma once

#include <sys/socket.h>

#include <string>

namespace luksdetached {

/// How far a client is away, which decides what it needs in order to be let in.
enum class PeerKind {
  local,     ///< a unix socket, a pipe or a socket pair
  loopback,  ///< TCP from this machine: any local user may be behind it
  remote,    ///< TCP from elsewhere, or vsock
};

/// What kind of peer has this address, as getpeername(2) gives it.
PeerKind classify_peer(const sockaddr_storage& address) noexcept;

/// The decision about one client, and the sentence for the log that goes with it (may be empty).
struct AccessDecision {
  bool allowed;
  std::string message;
};

/// Only the contract's rule: without TLS a remote peer is refused, unless `insecure`; a loopback
/// peer is let in with a warning.
AccessDecision decide_access(PeerKind peer, bool tls, bool insecure);

}  // namespace luksdetached
