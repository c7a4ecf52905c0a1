// The file of a unix socket.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace luksdetached {

/// Told apart from whatever others put at its path later.
class SocketFile {
 public:
  /// None.
  SocketFile() = default;
  /// The socket that is at `path` now; none when there is no socket.
  explicit SocketFile(std::string path) : path_(std::move(path)) {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }

  /// Removes it, if it is still there.
  void remove() const noexcept {
    struct stat info {};
    if (inode_ == 0 || ::lstat(path_.c_str(), &info) != 0) return;
    if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: none
};

}  // namespace luksdetached
