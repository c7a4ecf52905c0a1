#include "base/unix_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {

namespace {

// Keeps other processes of ours from taking a socket there that does not listen yet for a dead one,
// while it lives. Whoever may read the folder can lock it, so it is not waited for long.
FileDescriptor lock_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  FileDescriptor fd(
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  constexpr int patience = 200;
  for (int tries = 0; fd && tries < patience && flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fd;
}

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

UnixListener listen_unix(const std::string& what, const std::string& path,
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
  const FileDescriptor alone = lock_folder_of(path);
  // The mode of the file that bind makes follows the socket's own.
  if (fchmod(listener.get(), 0) != 0) fail("restrict", errno);
  if (is_dead_socket(path)) SocketFile(path).remove();
  if (bind(listener.get(), generic, sizeof address) != 0) fail("bind", errno);
  SocketFile file(path);
  const char* const action = !set_permissions(path, permissions)      ? "set owner and mode of"
                             : listen(listener.get(), SOMAXCONN) != 0 ? "listen on"
                                                                      : nullptr;
  if (action != nullptr) {
    const int code = errno;
    file.remove();
    fail(action, code);
  }
  return {std::move(listener), std::move(file)};
}

}  // namespace luksdetached
