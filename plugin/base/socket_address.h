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

}  // namespace luksdetached
