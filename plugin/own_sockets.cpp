#include "own_sockets.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/socket_address.h"

namespace luksdetached {

namespace {

// Where nbdkit takes listening sockets from, and how many at most.
constexpr int first_socket = 3;
constexpr int max_sockets = 16;

// The path of a unix socket on which this process listens. The kernel knows who does: the process
// that called listen(2), whatever it has executed since.
std::optional<std::string> own_path(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return {};
  sockaddr_storage address{};
  size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  ucred listener{};
  socklen_t listener_size = sizeof listener;
  const bool own = address.ss_family == AF_UNIX && size > sizeof(sa_family_t) &&
                   getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &listener_size) == 0 &&
                   listener.pid == getpid();
  if (!own) return {};
  return address_as<sockaddr_un>(address).sun_path;
}

}  // namespace

OwnSockets::OwnSockets(const std::vector<Listener>& listeners) : process_(getpid()) {
  for (int fd = first_socket; fd < first_socket + max_sockets; ++fd) {
    const std::optional<std::string> path = own_path(fd);
    if (!path) continue;
    const bool wanted = std::any_of(listeners.begin(), listeners.end(), [&](const Listener& one) {
      return !path->empty() && one.path == *path;
    });
    if (wanted) files_.emplace_back(*path);
  }
}

OwnSockets::~OwnSockets() {
  if (getpid() != process_) return;
  for (const SocketFile& file : files_) file.remove();
}

}  // namespace luksdetached
