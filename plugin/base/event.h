// Something that a thread waits for in poll(2), and that others make happen.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/error.h"
#include "base/file_descriptor.h"

namespace luksdetached {

/// A descriptor that becomes readable when the event happens.
class Event {
 public:
  /// Throws Error(source_unreachable) when there is no descriptor left.
  Event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_) return;
    const int code = errno;
    throw Error(ErrorKind::source_unreachable, "cannot create an eventfd: " + errno_text(code),
                code);
  }

  int descriptor() const noexcept { return fd_.get(); }

  /// Makes it happen. May be called in a signal handler.
  void happen() const noexcept {
    const std::uint64_t one = 1;
    // It fails only when it has happened very often and nobody looked.
    [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof one);
  }

  /// As if it had not happened yet.
  void forget() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(fd_.get(), &count, sizeof count);
  }

 private:
  FileDescriptor fd_;
};

}  // namespace luksdetached
