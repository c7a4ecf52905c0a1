#include "metrics/tcp_listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/socket_address.h"

namespace luksdetached {

namespace {

// None with errno when it cannot.
FileDescriptor listen_on(const addrinfo& address) {
  FileDescriptor listener(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return {};
  // The port may have connections that wait for their time to be over.
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    const int code = errno;
    listener = {};
    errno = code;
  }
  return listener;
}

bool is_on_loopback(const FileDescriptor& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         is_loopback(address);
}

}  // namespace

FileDescriptor listen_on_tcp(const std::string& what, const std::string& host, std::uint16_t port,
                             Reach reach) {
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
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  FileDescriptor listener;
  for (const addrinfo* one = found; one != nullptr && !listener; one = one->ai_next) {
    listener = listen_on(*one);
  }
  if (!listener) fail(errno_text(errno));
  // Whatever the name is: this is who can connect.
  if (reach == Reach::this_machine && !is_on_loopback(listener)) {
    fail("that address is reached from beyond this machine; that needs insecure = true");
  }
  return listener;
}

}  // namespace luksdetached
