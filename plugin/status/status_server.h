// Tells the state of the exports to whoever connects to the status socket, and takes requests
// there.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/event.h"
#include "base/file_descriptor.h"
#include "base/unix_listener.h"

namespace luksdetached {

/// A unix socket that only the user of the service may connect to. A connection may send one line:
/// "reload" has the config read again. It gets one report, at once after its line, or after a
/// second when it sends none, and is closed. Who does not read keeps nobody waiting.
class StatusServer {
 public:
  /// Binds the socket at `path`; one that a dead process left there is replaced. Throws
  /// Error(source_unreachable) when it cannot, also when a live process listens there. `owner` is
  /// who the process will be when it serves; -1: who it is.
  explicit StatusServer(const std::string& path, uid_t owner = static_cast<uid_t>(-1));
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;
  /// Ends the thread. After `start()` also removes the socket.
  ~StatusServer();

  /// Starts the thread, in the process that serves. In it `report` is called for each connection,
  /// `reload` when one asks for it.
  void start(std::function<std::string()> report, std::function<void()> reload);

 private:
  using Clock = std::chrono::steady_clock;

  struct Client {
    FileDescriptor fd;
    Clock::time_point speaks_until;
    bool has_spoken = false;
    std::string request{};
    std::string unsent{};
  };

  void serve();
  void accept_client(std::vector<Client>& clients) const;
  bool serve_client(Client& client, bool is_ready) const;

  UnixListener listener_;
  Event stop_;
  std::function<std::string()> report_;
  std::function<void()> reload_;
  std::thread thread_;
};

}  // namespace luksdetached
