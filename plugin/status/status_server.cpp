#include "status/status_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

#include "base/signals.h"
#include "base/unix_listener.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_clients = 16;
constexpr std::size_t max_request = 64;
constexpr std::chrono::milliseconds request_time{1000};

// Reads what there is of a request. True when it has ended.
bool read_request(int fd, std::string& request) {
  char buffer[max_request];
  const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
  request.append(buffer, static_cast<std::size_t>(got));
  return got == 0 || request.find('\n') != std::string::npos || request.size() > max_request;
}

// Sends what the socket takes now of `text` and cuts it off. False when there is no more to do.
bool send_some(int fd, std::string& text) {
  const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  text.erase(0, static_cast<std::size_t>(sent));
  return !text.empty();
}

}  // namespace

StatusServer::StatusServer(const std::string& path, uid_t owner)
    : listener_(listen_unix("the status socket", path, {.mode = 0600, .owner = owner})) {}

StatusServer::~StatusServer() {
  if (!thread_.joinable()) return;
  stop_.happen();
  thread_.join();
  listener_.file.remove();
}

void StatusServer::start(std::function<std::string()> report, std::function<void()> reload) {
  report_ = std::move(report);
  reload_ = std::move(reload);
  const NoSignals in_thread;
  thread_ = std::thread(&StatusServer::serve, this);
}

void StatusServer::serve() {
  std::vector<Client> clients;
  for (;;) {
    std::vector<pollfd> waiting{{stop_.descriptor(), POLLIN, 0},
                                {listener_.socket.get(), POLLIN, 0}};
    int wait = -1;
    for (const Client& client : clients) {
      const short events = client.has_spoken ? POLLOUT : POLLIN;
      waiting.push_back({client.fd.get(), events, 0});
      if (!client.has_spoken) wait = static_cast<int>(request_time.count());
    }
    if (poll(waiting.data(), waiting.size(), wait) < 0) continue;
    if (waiting[0].revents != 0) return;
    for (std::size_t i = clients.size(); i-- > 0;) {
      if (serve_client(clients[i], waiting[i + 2].revents != 0)) continue;
      clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waiting[1].revents != 0) accept_client(clients);
  }
}

// False when there is no more to do for it.
bool StatusServer::serve_client(Client& client, bool is_ready) const {
  try {
    if (!client.has_spoken) {
      client.has_spoken = is_ready ? read_request(client.fd.get(), client.request)
                                   : Clock::now() >= client.speaks_until;
      if (!client.has_spoken) return true;
      if (client.request.starts_with("reload\n")) reload_();
      client.unsent = report_();
    } else if (!is_ready) {
      return true;
    }
    return send_some(client.fd.get(), client.unsent);
  } catch (const std::exception&) {
    return false;  // out of memory: this client gets nothing, the service goes on
  }
}

void StatusServer::accept_client(std::vector<Client>& clients) const {
  FileDescriptor fd(accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) {
    // Out of descriptors, most likely: no reason to ask again at once.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return;
  }
  try {
    if (clients.size() == max_clients) clients.erase(clients.begin());
    clients.push_back({std::move(fd), Clock::now() + request_time});
  } catch (const std::bad_alloc&) {
    // This client gets nothing, the service goes on.
  }
}

}  // namespace luksdetached
