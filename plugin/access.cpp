#include "access.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "base/socket_address.h"

namespace luksdetached {

namespace {

bool is_loopback_v4(std::uint32_t host_order) noexcept {
  return host_order >> 24 == 127;
}

bool is_loopback_v6(const in6_addr& address) noexcept {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return false;
  std::uint32_t embedded = 0;
  std::memcpy(&embedded, address.s6_addr + 12, sizeof embedded);
  return is_loopback_v4(ntohl(embedded));
}

}  // namespace

PeerKind classify_peer(const sockaddr_storage& address) noexcept {
  switch (address.ss_family) {
    case AF_UNIX:
      return PeerKind::local;
    case AF_INET:
      return is_loopback_v4(ntohl(address_as<sockaddr_in>(address).sin_addr.s_addr))
                 ? PeerKind::loopback
                 : PeerKind::remote;
    case AF_INET6:
      return is_loopback_v6(address_as<sockaddr_in6>(address).sin6_addr) ? PeerKind::loopback
                                                                         : PeerKind::remote;
    default:
      return PeerKind::remote;
  }
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
