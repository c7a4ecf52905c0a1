#include "base/unix_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {

namespace {

// Gives the socket's file, which nobody can connect to yet, its permissions. False with errno when
// it cannot. Whoever owns the folder could have put another file there meanwhile: by its descriptor
// it stays the same one.
bool set_permissions(const std::string& path, const SocketPermissions& permissions) {
  const FileDescriptor file(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0) return false;
  if (!S_ISSOCK(info.st_mode) || info.st_uid != geteuid() || info.st_nlink != 1) {
    errno = EEXIST;
    return false;
  }
  // In this order: a new owner may have less rights than the old one, never more than `mode` says.
  if (fchownat(file.get(), "", permissions.owner, permissions.group, AT_EMPTY_PATH) != 0) {
    return false;
  }
  const std::string by_descriptor = "/proc/self/fd/" + std::to_string(file.get());
  return chmod(by_descriptor.c_str(), permissions.mode) == 0;
}

}  // namespace

FileDescriptor listen_unix(const std::string& what, const std::string& path,
                           const SocketPermissions& permissions) {
  const auto fail = [&](const char* action, int code) {
    throw Error(ErrorKind::source_unreachable,
                std::string("cannot ") + action + " " + what + " " + path + ": " + errno_text(code),
                code);
  };
  const sockaddr_un address = unix_address(path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  FileDescriptor listener = new_unix_socket();
  if (!listener) fail("make", errno);
  // The mode of the file that bind makes follows the socket's own.
  if (fchmod(listener.get(), 0) != 0) fail("restrict", errno);
  if (is_dead_socket(path)) unlink(path.c_str());
  if (bind(listener.get(), generic, sizeof address) != 0) fail("bind", errno);
  const char* const action = !set_permissions(path, permissions)      ? "set owner and mode of"
                             : listen(listener.get(), SOMAXCONN) != 0 ? "listen on"
                                                                      : nullptr;
  if (action != nullptr) {
    const int code = errno;
    unlink(path.c_str());
    fail(action, code);
  }
  return listener;
}

}  // namespace luksdetached
