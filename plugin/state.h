// What the callbacks share, and how a failure in one of them reaches nbdkit.
#pragma once

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>

#include "audit.h"
#include "base/error.h"
#include "client_errno.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "export/export_keeper.h"
#include "export/registry.h"
#include "hang_up.h"
#include "log/log.h"
#include "log/log_limit.h"
#include "metrics/metrics_server.h"
#include "own_sockets.h"
#include "reload_on_signal.h"
#include "status/status_server.h"

namespace luksdetached {

// NOLINTBEGIN(clang-analyzer-optin.performance.Padding): there is one, in an order that says more
/// What lives between the callbacks. Never destroyed at exit: when nbdkit goes into the background
/// its first process exits, and must not say goodbye to servers that the second one uses.
struct State {
  OptionParser parser;
  bool has_parameters = false;
  std::string config_path;
  bool read_only = false;                // nbdkit's own -r
  std::optional<ServiceConfig> service;  // with config=; else one export, served under any name
  bool requires_tls = false;             // of all clients of the service
  std::mutex followed_mutex;             // guards what a config that is read again changes of it
  std::atomic<bool> insecure = false;
  ExportRegistry exports;
  std::optional<OwnSockets> own_sockets;
  std::unique_ptr<StatusServer> status;
  std::unique_ptr<MetricsServer> metrics;
  std::optional<HangUpOnSignal> hang_up;
  std::optional<ReloadOnSignal> reload_on_signal;
  std::optional<ExportKeeper> keeper;
  std::atomic<bool> warned_of_peer = false;
  const pid_t starter = ::getpid();
  std::atomic<bool> is_serving = false;
  Log log;
  LogLimit io_errors;
  Audit audit{log};
};
// NOLINTEND(clang-analyzer-optin.performance.Padding)

/// The one export of a process without config=.
inline constexpr const char* only_export = "";

State& state();

/// Writes an error to the log; while nbdkit starts, as its user expects, in nbdkit's own words.
void log_error(const std::string& text);

/// The same for what a callback throws. Of failures of storage one in ten seconds is written.
void log_error(const Error& error);

/// Runs `body`; an exception becomes nbdkit's error and `on_error`.
template <typename Result, typename Body>
Result guarded(Result on_error, Body body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    log_error(error);
    const bool of_payload = error.kind() == ErrorKind::io;
    nbdkit_set_error(of_payload ? client_errno(error.errno_code()) : error.errno_code());
  } catch (const std::bad_alloc&) {
    log_error("out of memory");
    nbdkit_set_error(ENOMEM);
  } catch (const std::exception& error) {
    log_error(error.what());
    nbdkit_set_error(EIO);
  }
  return on_error;
}

}  // namespace luksdetached
