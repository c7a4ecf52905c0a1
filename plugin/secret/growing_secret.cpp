#include "secret/growing_secret.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/error.h"

namespace luksdetached {

namespace {

SecureBuffer grow(const SecureBuffer& old, std::size_t size) {
  SecureBuffer larger(size);
  std::copy_n(old.data(), old.size(), larger.data());
  return larger;
}

}  // namespace

void await_bytes(int fd, const std::string& what) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + fifo_patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    pollfd wanted = {fd, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) return;
    if (ready < 0 && errno == EINTR) continue;
    throw Error(ErrorKind::source_unreachable,
                "cannot read " + what + ": nobody has written to it for " +
                    std::to_string(fifo_patience.count()) + " seconds",
                ETIMEDOUT);
  }
}

std::size_t read_part(int fd, std::span<std::byte> to, const std::string& what) {
  for (;;) {
    const ssize_t got = ::read(fd, to.data(), to.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    const int code = errno;
    if (code == EINTR) continue;
    if (code == EAGAIN) {
      await_bytes(fd, what);
      continue;
    }
    throw Error(ErrorKind::source_unreachable, "cannot read " + what + ": " + errno_text(code),
                code);
  }
}

bool GrowingSecret::read_from(int fd) {
  if (size_ == bytes_.size()) bytes_ = grow(bytes_, bytes_.size() * 2);
  const std::size_t got = read_part(fd, bytes_.span().subspan(size_), what_);
  size_ += got;
  if (size_ > max_secret_bytes) {
    throw Error(ErrorKind::usage,
                what_ + " is larger than " + std::to_string(max_secret_bytes) + " bytes");
  }
  return got > 0;
}

SecureBuffer GrowingSecret::take() && {
  bytes_.truncate(size_);
  return std::move(bytes_);
}

}  // namespace luksdetached
