#include "systemd_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace luksdetached {

namespace {

constexpr int first_passed = 3;

std::optional<int> number_in(const char* variable) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int number = 0;
  const char* const last = text + std::strlen(text);
  const auto [end, error] = std::from_chars(text, last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

// Cuts the first name off `names`, which has them with colons between.
std::string next_name(std::string_view& names) {
  const std::size_t colon = names.find(':');
  const std::string_view name = names.substr(0, colon);
  names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
  return std::string(name);
}

}  // namespace

std::vector<SystemdSocket> take_systemd_sockets() {
  std::vector<SystemdSocket> sockets;
  if (number_in("LISTEN_PID") != getpid()) return sockets;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  const char* const all_names = std::getenv("LISTEN_FDNAMES");
  std::string_view names = all_names == nullptr ? "" : all_names;
  const int count = number_in("LISTEN_FDS").value_or(0);
  for (int n = 0; n < count; ++n) {
    const int fd = first_passed + n;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      const int code = errno;
      throw Error(ErrorKind::source_unreachable,
                  "cannot take the socket " + std::to_string(fd) +
                      " that LISTEN_FDS says systemd passed: " + errno_text(code),
                  code);
    }
    sockets.push_back({FileDescriptor(fd), next_name(names)});
  }
  return sockets;
}

}  // namespace luksdetached
