// The unix sockets that `luksdetached serve` bound before it became nbdkit.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/socket_file.h"
#include "config/service_config.h"

namespace luksdetached {

/// nbdkit removes only the sockets that it bound itself. This removes, when it goes out of scope in
/// the same process, those of the config's unix listeners that this very process listens on: none
/// of systemd, and nothing that has come to be at the path meanwhile.
class OwnSockets {
 public:
  explicit OwnSockets(const std::vector<Listener>& listeners);
  OwnSockets(const OwnSockets&) = delete;
  OwnSockets& operator=(const OwnSockets&) = delete;
  ~OwnSockets();

 private:
  pid_t process_;
  std::vector<SocketFile> files_;
};

}  // namespace luksdetached
