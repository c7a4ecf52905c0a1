// Lets clients go when nbdkit is told to end. By itself nbdkit waits until the last of them has
// left, which an attached disk never does.
#pragma once

#include <functional>
#include <thread>

#include "base/event.h"

namespace luksdetached {

/// Calls shutdown(2) with `how` for each client connection of this process: the sockets that one of
/// its listening sockets has accepted. Others are left alone. With SHUT_RD requests that have
/// arrived are still answered; then the client sees the end of the stream.
void shut_down_clients(int how);

/// While one exists, a signal that ends nbdkit also ends the connections of its clients: it stops
/// reading from them at once, and after five seconds also writing to those that don't take their
/// answers. There can be one in a process.
class HangUpOnSignal {
 public:
  /// In the process that serves, after nbdkit has set up its signals. `also` is called once, after
  /// the signal, from a thread. Throws Error(source_unreachable) when there are no descriptors or
  /// threads left.
  explicit HangUpOnSignal(std::function<void()> also = [] {});
  HangUpOnSignal(const HangUpOnSignal&) = delete;
  HangUpOnSignal& operator=(const HangUpOnSignal&) = delete;
  /// Ends the thread, and gives nbdkit its signals back.
  ~HangUpOnSignal();

 private:
  void wait() const noexcept;

  std::function<void()> also_;
  Event signalled_, stop_;
  std::thread thread_;
};

}  // namespace luksdetached
