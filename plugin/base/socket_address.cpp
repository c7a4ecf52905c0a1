#include "base/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>

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

bool is_loopback(const sockaddr_storage& address) noexcept {
  switch (address.ss_family) {
    case AF_INET:
      return is_loopback_v4(ntohl(address_as<sockaddr_in>(address).sin_addr.s_addr));
    case AF_INET6:
      return is_loopback_v6(address_as<sockaddr_in6>(address).sin6_addr);
    default:
      return false;
  }
}

}  // namespace luksdetached
