#include "source/private_listener.h"

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

// Returns 0, or the errno of why it cannot be done in this folder.
int make_in(const std::string& parent, unsigned connections, PrivateListener& made) {
  const PrivateFolder folder(parent);
  if (!folder) return errno;
  const std::string path = folder.socket();
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return ENAMETOOLONG;
  const sockaddr_un address = unix_address(path);
  made = {new_unix_socket(), {}};
  if (!made.listening ||
      ::bind(made.listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::listen(made.listening.get(), static_cast<int>(connections)) != 0) {
    return errno;
  }
  for (unsigned i = 0; i < connections; ++i) {
    FileDescriptor socket = new_unix_socket();
    if (!socket || !connect_unix(socket, path)) return errno;
    made.connected.push_back(std::move(socket));
  }
  return 0;
}

}  // namespace

PrivateListener make_private_listener(unsigned connections) {
  PrivateListener made;
  std::string reasons;
  for (const std::string& folder : folders()) {
    const int reason = make_in(folder, connections, made);
    if (reason == 0) return made;
    reasons += (reasons.empty() ? "" : ", ") + folder + " (" + errno_text(reason) + ")";
  }
  throw Error(ErrorKind::source_unreachable, "cannot make a socket for a child server in any of " +
                                                 reasons +
                                                 "; set TMPDIR to a folder that can be written");
}

}  // namespace luksdetached
