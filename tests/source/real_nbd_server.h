// nbdkit or qemu-nbd as a child process on a unix socket.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "testing.h"

namespace luksdetached::testing {

class RealNbdServer {
 public:
  /// Runs nbdkit with these arguments in the foreground.
  static std::vector<std::string> nbdkit(const std::vector<std::string>& arguments);
  /// Runs qemu-nbd on a raw image of this size, with these further arguments.
  static std::vector<std::string> qemu_nbd(const std::vector<std::string>& arguments);

  /// Starts it and waits until it listens. "SOCKET" and "DIR" in an argument become its socket's
  /// path and its directory.
  explicit RealNbdServer(std::vector<std::string> command);
  ~RealNbdServer() { kill(); }
  RealNbdServer(const RealNbdServer&) = delete;
  RealNbdServer& operator=(const RealNbdServer&) = delete;

  /// SIGKILL, and waits for its end. Nothing when it has ended.
  void kill();
  /// SIGSTOP: it stays connected and answers nothing.
  void freeze() const;
  std::string uri() const { return "nbd+unix:///?socket=" + dir_.file("socket"); }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  pid_t child_ = -1;
};

}  // namespace luksdetached::testing
