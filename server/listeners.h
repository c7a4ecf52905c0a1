// The sockets on which a service listens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/socket_file.h"
#include "config/service_config.h"
#include "service_user.h"
#include "systemd_sockets.h"

namespace luksdetached {

/// Sockets that listen, to be handed to nbdkit. Until then they are this object's, which closes
/// them and removes the unix sockets that it made.
class Listeners {
 public:
  Listeners() = default;
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  ~Listeners();

  /// Opens those of `config`, and takes those that systemd passed to this process. Unix sockets
  /// belong to `user`, or who runs this, where the config names nobody else. Throws Error when one
  /// cannot be had (source_unreachable) or would serve plain data to other machines (policy).
  void open(const ServiceConfig& config, const std::optional<ServiceUser>& user);

  /// Just before this process executes nbdkit: puts them where it takes them from (socket
  /// activation). If it cannot be executed, the object must be destroyed.
  void pass_on();

 private:
  struct Socket {
    FileDescriptor fd;
    std::string name;  // in messages
  };

  void open_unix(const Listener& listener, const std::optional<ServiceUser>& user);
  void open_tcp(const Listener& listener);
  void open_vsock(const Listener& listener);
  void take(std::vector<SystemdSocket> sockets);

  std::vector<Socket> sockets_;
  std::vector<SocketFile> made_;
};

}  // namespace luksdetached
