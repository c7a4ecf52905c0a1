#include "service_manager.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "base/file_descriptor.h"

namespace luksdetached {

namespace {

enum class Patience { none, a_second };

// None where there is no service manager, or it cannot be reached.
FileDescriptor connect_to_manager() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view path = name == nullptr ? "" : name;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // in the abstract name space
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return fd;
}

// libsystemd's function waits for one that does not listen, which would stop the service. What is
// not heard is lost.
void notify(const std::string& text, Patience patience) {
  const FileDescriptor manager = connect_to_manager();
  if (!manager) return;
  const auto say = [&] { return send(manager.get(), text.data(), text.size(), MSG_NOSIGNAL); };
  if (say() >= 0 || errno != EAGAIN || patience == Patience::none) return;
  pollfd room = {manager.get(), POLLOUT, 0};
  if (poll(&room, 1, 1000) > 0) say();
}

std::string own_id() {
  // In the background this is not the process that was started.
  return "MAINPID=" + std::to_string(getpid());
}

}  // namespace

void notify_ready(const std::string& status) {
  notify("READY=1\n" + own_id() + "\nSTATUS=" + status, Patience::a_second);
}

void notify_status(const std::string& status) {
  notify("STATUS=" + status, Patience::none);
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) +
             "\nSTATUS=reading the config again",
         Patience::a_second);
}

void notify_stopping() {
  notify("STOPPING=1\nSTATUS=ending", Patience::a_second);
}

std::string status_line(const std::vector<ExportStatus>& exports) {
  constexpr std::array states = {ExportState::open, ExportState::waiting, ExportState::failed};
  std::string text =
      std::to_string(exports.size()) + (exports.size() == 1 ? " export" : " exports");
  std::string_view separator = ": ";
  for (const ExportState state : states) {
    const auto count = std::ranges::count(exports, state, &ExportStatus::state);
    if (count == 0) continue;
    text.append(separator).append(std::to_string(count)).append(" ").append(state_word(state));
    separator = ", ";
  }
  return text;
}

}  // namespace luksdetached
