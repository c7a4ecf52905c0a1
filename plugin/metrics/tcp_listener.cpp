#include "metrics/tcp_listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/error.h"

namespace luksdetached {

FileDescriptor listen_on_tcp(const std::string& what, const std::string& host, std::uint16_t port) {
  const auto fail = [&](const std::string& reason) {
    throw Error(ErrorKind::source_unreachable, "cannot listen for " + what + " on " + host +
                                                   " port " + std::to_string(port) + ": " + reason);
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    fail(gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, freeaddrinfo);
  FileDescriptor listener(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) fail(errno_text(errno));
  // The port may have connections that wait for their time to be over.
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener.get(), address->ai_addr, address->ai_addrlen) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    fail(errno_text(errno));
  }
  return listener;
}

}  // namespace luksdetached
