// Unix sockets at a path.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/file_descriptor.h"

namespace luksdetached {

/// The address of `path`. Throws std::length_error when a socket cannot have so long a path.
inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::length_error("the path of a unix socket is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

inline FileDescriptor new_unix_socket() {
  return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// Connects `fd` to the socket at `path`; false with errno when it cannot.
inline bool connect_unix(const FileDescriptor& fd, const std::string& path) {
  const sockaddr_un address = unix_address(path);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Connects to the socket at `path` without waiting, and closes that at once. 0, or errno: EAGAIN
/// when somebody listens there but does not accept.
inline int probe_unix(const std::string& path) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && connect_unix(probe, path) ? 0 : errno;
}

/// Does a process listen on the socket at `path`?
inline bool is_live_socket(const std::string& path) {
  const int code = probe_unix(path);
  return code == 0 || code == EAGAIN;
}

/// Is `path` a socket that a dead process left behind? Nothing but a socket ever is, though connect
/// says the same of a regular file.
inline bool is_dead_socket(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  return probe_unix(path) == ECONNREFUSED;
}

}  // namespace luksdetached
