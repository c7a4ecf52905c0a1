#include "status/status_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/error.h"
#include "base/signals.h"
#include "base/unix_socket.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_clients = 16;

// Sends what the socket takes now of `text` and cuts it off. False when there is no more to do.
bool send_some(int fd, std::string& text) {
  const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  text.erase(0, static_cast<std::size_t>(sent));
  return !text.empty();
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
  const sockaddr_un address = unix_address(path_);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  listener_ = new_unix_socket();
  if (!listener_) fail("make");
  // The mode of the file that bind makes follows the socket's own.
  if (fchmod(listener_.get(), 0600) != 0) fail("restrict");
  if (is_dead_socket(path_)) unlink(path_.c_str());
  if (bind(listener_.get(), generic, sizeof address) != 0) fail("bind");
  if (listen(listener_.get(), SOMAXCONN) != 0) fail("listen on");
}

StatusServer::~StatusServer() {
  if (!thread_.joinable()) return;
  stop_.happen();
  thread_.join();
  unlink(path_.c_str());
}

void StatusServer::start(std::function<std::string()> report) {
  report_ = std::move(report);
  const NoSignals in_thread;
  thread_ = std::thread(&StatusServer::serve, this);
}

void StatusServer::serve() {
  std::vector<Client> clients;
  for (;;) {
    std::vector<pollfd> waiting{{stop_.descriptor(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Client& client : clients) waiting.push_back({client.fd.get(), POLLOUT, 0});
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    for (std::size_t i = clients.size(); i-- > 0;) {
      if (waiting[i + 2].revents == 0 || send_some(clients[i].fd.get(), clients[i].unsent))
        continue;
      clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waiting[1].revents != 0) accept_client(clients);
  }
}

void StatusServer::accept_client(std::vector<Client>& clients) const {
  FileDescriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) {
    // Out of descriptors, most likely: no reason to ask again at once.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return;
  }
  try {
    std::string report = report_();
    if (!send_some(fd.get(), report)) return;
    // It is larger than the socket's buffer, and the rest goes when the client has read.
    if (clients.size() == max_clients) clients.erase(clients.begin());
    clients.push_back({std::move(fd), std::move(report)});
  } catch (const std::exception&) {
    // Out of memory: this client gets nothing, the service goes on.
  }
}

}  // namespace luksdetached
