// The metrics over HTTP, as Prometheus asks for them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/unix_listener.h"
#include "metrics/tcp_listener.h"

struct MHD_Daemon;
struct MHD_Connection;

namespace luksdetached {

/// Answers GET and HEAD of /metrics, on a unix socket that only the user of the service may
/// connect to, or on TCP, where it asks nobody who they are. Each connection is for one request;
/// one that takes long keeps nobody waiting: beyond eight the oldest is closed.
class MetricsServer {
 public:
  /// Listens on the unix socket at `path`. Throws as listen_unix. `owner` is who the process will
  /// be when it serves; -1: who it is.
  explicit MetricsServer(const std::string& path, uid_t owner = static_cast<uid_t>(-1));
  /// Listens on TCP. Throws as listen_on_tcp.
  MetricsServer(const std::string& host, std::uint16_t port, Reach reach);

  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  /// Ends the thread. After `start()` also removes the unix socket.
  ~MetricsServer();

  /// Starts the thread, in the process that serves. In it `report` is called for each request, and
  /// returns metrics in Prometheus' text format. Throws Error(source_unreachable) when it cannot.
  void start(std::function<std::string()> report);

 private:
  struct Callbacks;

  UnixListener listener_;  // on TCP without a file
  std::function<std::string()> report_;
  std::vector<MHD_Connection*> connections_;  // of the thread alone; the oldest is the first
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace luksdetached
