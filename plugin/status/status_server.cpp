#include "status/status_server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace luksdetached {

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(ErrorKind::usage, "the path of the status socket is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

FileDescriptor new_socket() {
  return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool somebody_listens(const sockaddr_un& address) {
  const FileDescriptor probe = new_socket();
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;  // the other side does not want it
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

StatusServer::StatusServer(std::string path) : path_(std::move(path)) {
  const auto fail = [this](const char* action) {
    const int code = errno;
    throw Error(
        ErrorKind::source_unreachable,
        std::string("cannot ") + action + " the status socket " + path_ + ": " + errno_text(code),
        code);
  };
  const sockaddr_un address = address_of(path_);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  listener_ = new_socket();
  stop_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!listener_ || !stop_) fail("make");
  // The mode of the file that bind makes follows the socket's own.
  if (fchmod(listener_.get(), 0600) != 0) fail("restrict");
  int bound = bind(listener_.get(), generic, sizeof address);
  if (bound != 0 && errno == EADDRINUSE && !somebody_listens(address)) {
    unlink(path_.c_str());
    bound = bind(listener_.get(), generic, sizeof address);
  }
  if (bound != 0) fail("bind");
  if (listen(listener_.get(), 16) != 0) fail("listen on");
}

StatusServer::~StatusServer() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof one);
  thread_.join();
  unlink(path_.c_str());
}

void StatusServer::start(std::function<std::string()> report) {
  report_ = std::move(report);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for nbdkit's own threads
  thread_ = std::thread(&StatusServer::serve, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StatusServer::serve() {
  pollfd waiting[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  for (;;) {
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    const FileDescriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    // Who does not read must not keep the others waiting.
    const timeval limit{1, 0};
    setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    send_all(client.get(), report_());
  }
}

}  // namespace luksdetached
