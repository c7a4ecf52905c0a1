#include "source/child_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/signals.h"

namespace luksdetached {

namespace {

constexpr int pipe_bytes = 1 << 20;  // as large as the kernel lets an ordinary user have it
constexpr std::size_t longest_line = 500;
constexpr std::size_t lines_kept = 8;
constexpr std::chrono::seconds interval{10};
constexpr unsigned lines_in_interval = 20;

}  // namespace

ChildLog::ChildLog() {
  // It stays as small as it is where a user has many pipes.
  ::fcntl(pipe_.writing.get(), F_SETPIPE_SZ, pipe_bytes);
  ::fcntl(pipe_.reading.get(), F_SETFL, O_NONBLOCK);
}

ChildLog::~ChildLog() {
  if (!thread_.joinable()) return;
  stop_.happen();
  thread_.join();
}

void ChildLog::start(Tell tell) {
  if (thread_.joinable()) return;
  tell_ = std::move(tell);
  const NoSignals in_thread;
  try {
    thread_ = std::thread(&ChildLog::pass_on, this);
  } catch (const std::system_error&) {
    throw Error(ErrorKind::source_unreachable,
                "cannot start the thread that reads what a child server says");
  }
}

void ChildLog::pass_on() noexcept {
  std::array<pollfd, 2> fds = {{{pipe_.reading.get(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}}};
  bool more = true;
  while (more) {
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
    if ((fds[1].revents & POLLIN) != 0) more = false;      // after what is there
    const std::unique_lock lock(mutex_);
    while (read_some()) {
    }
    if (ended_) return;
  }
}

// With the mutex held. False when there is nothing to read now, or ever again.
bool ChildLog::read_some() {
  std::array<char, 4096> part{};
  const ssize_t got = ::read(pipe_.reading.get(), part.data(), part.size());
  if (got > 0) {
    take({part.data(), static_cast<std::size_t>(got)});
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  if (got == 0) {
    end_line();
    ended_ = true;
    came_.notify_all();
  }
  return false;
}

void ChildLog::take(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      end_line();
    } else if (partial_.size() < longest_line) {
      partial_ += c;
    }
  }
}

void ChildLog::end_line() {
  std::string line = std::exchange(partial_, {});
  if (line.empty()) return;
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_kept) lines_.pop_front();
  came_.notify_all();
  if (!tell_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - interval_began_ > interval) {
    interval_began_ = now;
    told_ = 0;
  }
  if (++told_ < lines_in_interval) {
    tell_(lines_.back());
  } else if (told_ == lines_in_interval) {
    tell_("says more than is passed on");
  }
}

std::deque<std::string> ChildLog::last_lines(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  if (thread_.joinable()) {
    came_.wait_until(lock, deadline, [&] { return !lines_.empty() || ended_; });
    return lines_;
  }
  for (;;) {
    while (read_some()) {
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (!lines_.empty() || ended_ || left.count() <= 0) return lines_;
    pollfd pipe = {pipe_.reading.get(), POLLIN, 0};
    ::poll(&pipe, 1, static_cast<int>(left.count()));
  }
}

}  // namespace luksdetached
