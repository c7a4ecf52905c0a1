#include "source/socket_limit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/error.h"
#include "base/signals.h"

namespace luksdetached {

SocketLimit::SocketLimit(int socket, Clock::time_point deadline, const Event* cancel)
    : flags_(::fcntl(socket, F_GETFL)), socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {
  if (!socket_) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable, "cannot watch a socket: " + errno_text(code), code);
  }
  const auto watch = [this, deadline, cancel] {
    std::array<pollfd, 2> fds = {{{done_.descriptor(), POLLIN, 0},
                                  {cancel == nullptr ? -1 : cancel->descriptor(), POLLIN, 0}}};
    while (fds[0].revents == 0 && fds[1].revents == 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) break;
      ::poll(fds.data(), fds.size(),
             static_cast<int>(std::min<std::int64_t>(left.count(), INT32_MAX)));
    }
    if (fds[0].revents == 0) ::shutdown(socket_.get(), SHUT_RDWR);
  };
  const NoSignals in_thread;
  try {
    thread_ = std::thread(watch);
  } catch (const std::system_error&) {
    throw Error(ErrorKind::source_unreachable, "cannot start the thread that watches a socket");
  }
  ::fcntl(socket_.get(), F_SETFL, flags_ & ~O_NONBLOCK);
}

SocketLimit::~SocketLimit() {
  done_.happen();
  thread_.join();
  ::fcntl(socket_.get(), F_SETFL, flags_);
}

}  // namespace luksdetached
