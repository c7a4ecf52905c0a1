// Tells the state of the exports to whoever connects to the status socket.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/event.h"
#include "base/file_descriptor.h"

namespace luksdetached {

/// A unix socket that only the owner of the process may connect to. Each connection gets one report
/// and is closed; nothing is read from it. Who does not read keeps nobody waiting.
class StatusServer {
 public:
  /// Binds the socket at `path`; one that a dead process left there is replaced. Throws
  /// Error(source_unreachable) when it cannot, also when a live process listens there.
  explicit StatusServer(std::string path);
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;
  /// Ends the thread. After `start()` also removes the socket.
  ~StatusServer();

  /// Starts the thread, in the process that serves. `report` is called in it for each connection.
  void start(std::function<std::string()> report);

 private:
  struct Client {
    FileDescriptor fd;
    std::string unsent;
  };

  void serve();
  void accept_client(std::vector<Client>& clients) const;

  std::string path_;
  FileDescriptor listener_;
  Event stop_;
  std::function<std::string()> report_;
  std::thread thread_;
};

}  // namespace luksdetached
