// Addresses of sockets, whose type only their first field tells.
#pragma once

#include <sys/socket.h>

#include <cstring>

namespace luksdetached {

/// What `storage` holds, as the type that goes with its ss_family.
template <typename Address>
Address address_as(const sockaddr_storage& storage) noexcept {
  Address address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

/// Is it an IP address of this machine alone, 127.0.0.0/8 or ::1?
bool is_loopback(const sockaddr_storage& address) noexcept;

}  // namespace luksdetached
