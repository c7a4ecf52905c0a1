#include "source/private_listener.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {

namespace {

// An abstract socket would need no folder, but any user could connect to it before us.
std::vector<std::string> folders() {
  std::vector<std::string> found;
  for (const char* variable : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "TMPDIR"}) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    const std::string list(value);  // systemd separates several by ':'
    if (list.starts_with('/')) found.push_back(list.substr(0, list.find(':')));
  }
  found.insert(found.end(), {"/run", "/tmp", "/dev/shm"});
  return found;
}

class PrivateFolder {
 public:
  explicit PrivateFolder(const std::string& parent) : path_(parent + "/luksdetached-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    if (path_.empty()) return;
    ::unlink(socket().c_str());
    ::rmdir(path_.c_str());
  }
  explicit operator bool() const noexcept { return !path_.empty(); }
  std::string socket() const { return path_ + "/s"; }

 private:
  std::string path_;
};

}  // namespace

// Returns 0, or the errno of why it cannot be done in this folder.
int PrivateListener::make_in(const char* parent) {
  constexpr int backlog = 16;
  const PrivateFolder folder(parent);
  if (!folder) return errno;
  const std::string path = folder.socket();
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return ENAMETOOLONG;
  const sockaddr_un address = unix_address(path);
  listening_ = new_unix_socket();
  if (!listening_ ||
      ::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening_.get(), backlog) != 0) {
    return errno;
  }
  name_ = FileDescriptor(::open(path.c_str(), O_PATH | O_CLOEXEC));
  return name_ ? 0 : errno;
}

PrivateListener::PrivateListener() {
  std::string reasons;
  for (const std::string& folder : folders()) {
    const int reason = make_in(folder.c_str());
    if (reason == 0) return;
    reasons += (reasons.empty() ? "" : ", ") + folder + " (" + errno_text(reason) + ")";
  }
  throw Error(ErrorKind::source_unreachable, "cannot make a socket for a child server in any of " +
                                                 reasons +
                                                 "; set TMPDIR to a folder that can be written");
}

FileDescriptor PrivateListener::connect() const {
  FileDescriptor socket = new_unix_socket();
  // By what the name meant: it is gone.
  const std::string path = "/proc/self/fd/" + std::to_string(name_.get());
  if (socket && connect_unix(socket, path)) return socket;
  return {};
}

}  // namespace luksdetached
