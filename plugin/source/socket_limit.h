// Ends what a thread does with a socket when it takes too long.
#pragma once

#include <chrono>
#include <thread>

#include "base/event.h"
#include "base/file_descriptor.h"

namespace luksdetached {

/// While one exists, calls on the socket wait, instead of failing with EAGAIN, until a thread shuts
/// it down: as soon as `deadline` has passed or `cancel` happens. For a library that calls again at
/// once until the peer has answered, and does not ask how long that takes.
class SocketLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// `cancel` may be null. Throws Error(source_unreachable) when there are no descriptors or
  /// threads left.
  SocketLimit(int socket, Clock::time_point deadline, const Event* cancel);
  SocketLimit(const SocketLimit&) = delete;
  SocketLimit& operator=(const SocketLimit&) = delete;
  ~SocketLimit();

 private:
  int flags_;              // the socket's status flags before
  FileDescriptor socket_;  // our own: the other one may be closed meanwhile
  Event done_;
  std::thread thread_;
};

}  // namespace luksdetached
