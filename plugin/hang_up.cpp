#include "hang_up.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Where it is of an older kernel, it needs <sys/socket.h> before it.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/signals.h"
#include "base/socket_address.h"

namespace luksdetached {

namespace {

// ---- the clients ----

// A stream socket with a name of its own.
struct Socket {
  FileDescriptor fd;
  bool listens = false;
  std::string name;  // what a listening socket shares with those that it accepts
};

// The path of a unix socket, the port of others: their address differs when the listener has none.
// Empty for sockets without a name, such as connections to servers.
std::string name_of(const sockaddr_storage& address, socklen_t size) {
  switch (address.ss_family) {
    case AF_UNIX: {
      const char* const bytes = reinterpret_cast<const char*>(&address);
      const std::size_t start = offsetof(sockaddr_un, sun_path);
      return size > start ? "unix " + std::string(bytes + start, size - start) : "";
    }
    case AF_INET:
      return "tcp " + std::to_string(address_as<sockaddr_in>(address).sin_port);
    case AF_INET6:
      return "tcp " + std::to_string(address_as<sockaddr_in6>(address).sin6_port);
    case AF_VSOCK:
      return "vsock " + std::to_string(address_as<sockaddr_vm>(address).svm_port);
    default:
      return {};
  }
}

// A descriptor of its own, so that the number cannot come to mean another file meanwhile.
std::optional<Socket> look_at(int number) {
  Socket found{FileDescriptor(::fcntl(number, F_DUPFD_CLOEXEC, 0)), false, {}};
  int listens = 0;
  socklen_t size = sizeof listens;
  if (!found.fd || ::getsockopt(found.fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) {
    return std::nullopt;
  }
  found.listens = listens != 0;
  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(found.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return std::nullopt;
  }
  found.name = name_of(address, size);
  if (found.name.empty()) return std::nullopt;
  return found;
}

std::vector<int> open_descriptors() {
  std::vector<int> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string text = entry->path().filename();
    int number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number >= 0) numbers.push_back(number);
  }
  return numbers;
}

// ---- the signals ----

constexpr std::array<int, 4> ending_signals = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

// A signal handler has nothing but globals.
std::array<struct sigaction, ending_signals.size()> handlers_before{};
std::atomic<const Event*> signal_event = nullptr;

void handle(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  for (std::size_t n = 0; n < ending_signals.size(); ++n) {
    if (ending_signals[n] != signal) continue;
    const struct sigaction& before = handlers_before[n];
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      before.sa_sigaction(signal, info, context);
    } else {
      before.sa_handler(signal);
    }
  }
  if (const Event* event = signal_event) event->happen();
  errno = saved;
}

bool has_handler(const struct sigaction& action) {
  if ((action.sa_flags & SA_SIGINFO) != 0) return true;
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

}  // namespace

void shut_down_clients(int how) {
  std::vector<Socket> sockets;
  for (const int number : open_descriptors()) {
    if (std::optional<Socket> found = look_at(number)) sockets.push_back(std::move(*found));
  }
  for (const Socket& client : sockets) {
    if (client.listens) continue;
    const bool accepted = std::any_of(sockets.begin(), sockets.end(), [&](const Socket& other) {
      return other.listens && other.name == client.name;
    });
    if (accepted) ::shutdown(client.fd.get(), how);
  }
}

HangUpOnSignal::HangUpOnSignal(std::function<void()> also) : also_(std::move(also)) {
  try {
    const NoSignals in_thread;
    thread_ = std::thread(&HangUpOnSignal::wait, this);
  } catch (const std::system_error& error) {
    throw Error(ErrorKind::source_unreachable,
                std::string("cannot start a thread: ") + error.what());
  }
  signal_event = &signalled_;
  for (std::size_t n = 0; n < ending_signals.size(); ++n) {
    struct sigaction& before = handlers_before[n];
    if (::sigaction(ending_signals[n], nullptr, &before) != 0 || !has_handler(before)) continue;
    struct sigaction wrapped = before;
    wrapped.sa_flags |= SA_SIGINFO;
    wrapped.sa_sigaction = handle;
    ::sigaction(ending_signals[n], &wrapped, nullptr);
  }
}

HangUpOnSignal::~HangUpOnSignal() {
  for (std::size_t n = 0; n < ending_signals.size(); ++n) {
    if (has_handler(handlers_before[n])) {
      ::sigaction(ending_signals[n], &handlers_before[n], nullptr);
    }
  }
  signal_event = nullptr;
  stop_.happen();
  thread_.join();
}

void HangUpOnSignal::wait() const noexcept {
  constexpr int interval = 100;  // ms: there may be one that was accepted at the last moment
  constexpr int patient_turns = 50;
  std::array<pollfd, 2> fds = {
      {{stop_.descriptor(), POLLIN, 0}, {signalled_.descriptor(), POLLIN, 0}}};
  for (int turn = 0;;) {
    if (::poll(fds.data(), fds.size(), turn == 0 ? -1 : interval) < 0) continue;  // EINTR
    if (fds[0].revents != 0) return;
    fds[1].fd = -1;  // once is enough
    if (turn == 0) also_();
    try {
      shut_down_clients(++turn <= patient_turns ? SHUT_RD : SHUT_RDWR);
    } catch (const std::exception&) {
      // Out of memory: nbdkit waits for the clients, or for the next turn.
    }
  }
}

}  // namespace luksdetached
