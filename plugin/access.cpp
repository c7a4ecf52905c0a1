#include "access.h"

#include "base/socket_address.h"

namespace luksdetached {

PeerKind classify_peer(const sockaddr_storage& address) noexcept {
  if (address.ss_family == AF_UNIX) return PeerKind::local;
  return is_loopback(address) ? PeerKind::loopback : PeerKind::remote;
}

AccessDecision decide_access(PeerKind peer, bool tls, bool insecure) {
  if (tls || peer == PeerKind::local) return {true, ""};
  if (peer == PeerKind::loopback) {
    return {true,
            "a client on this machine reads the decrypted data over TCP without TLS, as "
            "every local user may; serve on a unix socket (-U) instead"};
  }
  if (insecure) {
    return {true, "a remote client reads the decrypted data without TLS (insecure=true)"};
  }
  return {false,
          "a remote client without TLS is refused: serve with --tls=require, or on a unix socket "
          "(-U), or say insecure=true"};
}

}  // namespace luksdetached
