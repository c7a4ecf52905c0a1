// From the parameters until the first client may come, and the end.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <malloc.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callbacks.h"
#include "command_line.h"
#include "config/config_file.h"
#include "crypto/aes_xts_kernels.h"
#include "crypto/hash.h"
#include "crypto/sector_cipher.h"
#include "crypto/secure_memory.h"
#include "export/load_service.h"
#include "export_access.h"
#include "export_log.h"
#include "log_target.h"
#include "newer_nbdkit.h"
#include "service_manager.h"
#include "state.h"
#include "status/metrics_report.h"
#include "status/status_report.h"

namespace luksdetached {

namespace {

ExportEvents events_at_start() {
  return events_of_one(state().log, [](const std::string&, const std::string& text) {
    nbdkit_debug("%s", text.c_str());
  });
}

// Tells, by `notify`, how the exports are. From several threads: none may tell of an earlier state
// after another one.
void tell_service_manager(void (*notify)(const std::string& status)) noexcept {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  try {
    notify(status_line(state().exports.statuses()));
  } catch (const std::exception&) {
    // Out of memory: it hears what comes next.
  }
}

ExportEvents events_of_running_service() {
  ExportEvents events = events_of_service(state().log, state().audit);
  events.state_changed = [] { tell_service_manager(notify_status); };
  events.reload_begins = notify_reloading;
  events.reload_ended = [](bool was_followed) {
    if (was_followed) state().log.write(LogLevel::notice, "the config is followed");
    tell_service_manager(notify_ready);
  };
  return events;
}

// When the service is told to end, or ends by itself.
void tell_of_end() {
  static std::atomic_flag told;
  if (!told.test_and_set()) notify_stopping();
}

// nbdkit calls it twice.
void end_service() {
  State& s = state();
  if (!s.is_serving.exchange(false)) return;
  tell_of_end();
  s.audit.end();
  s.log.write(LogLevel::notice, "the service ends");
}

void on_unload() {
  State& s = state();
  if (s.service) end_service();
  s.reload_on_signal.reset();
  s.hang_up.reset();
  s.own_sockets.reset();
  s.status.reset();
  s.metrics.reset();
  s.exports.remove_all();
  // A key derivation cannot be interrupted, and whoever stops a service does not wait for minutes.
  // The kernel wipes what the process has locked.
  constexpr std::chrono::milliseconds patience{500};
  if (s.keeper && !s.keeper->stop(patience)) _exit(EXIT_SUCCESS);
}

void on_dump_plugin() {
  std::printf("luksdetached_luks_versions=1 2\n");
  std::printf("luksdetached_ciphers=%s\n", supported_ciphers().c_str());
  std::printf("luksdetached_kdfs=pbkdf2 argon2i argon2id\n");
  std::printf("luksdetached_hashes=%s\n", supported_hashes().c_str());
  std::printf(
      "luksdetached_sources=path file nbd nbds nbd+unix nbds+unix nbd+vsock nbds+vsock "
      "http https ssh sftp nbdkit qemu\n");
  guarded(-1, [] {
    const AesXtsKernel* const kernel = aes_xts_kernel();
    const std::string name(kernel != nullptr ? kernel->name : "cryptopp");
    std::printf("luksdetached_aes_kernel=%s\n", name.c_str());
    return 0;
  });
}

int on_config(const char* key, const char* value) {
  return guarded(-1, [&] {
    // What nbdkit calls a parameter that has no name.
    if (std::string_view(key) == "script") {
      throw OptionError("every parameter needs its name: header=URI payload=URI secret=FILE");
    }
    State& s = state();
    if (std::string_view(key) != "config") {
      s.parser.set(key, value);
      s.has_parameters = true;
    } else if (s.config_path.empty()) {
      s.config_path = value;
    } else {
      throw OptionError("config= is given more than once");
    }
    return 0;
  });
}

Access access_to(const ExportOptions& options) {
  return state().read_only || options.readonly ? Access::read_only : Access::read_write;
}

void check_standard_input(const ExportOptions& options) {
  if (reads_standard_input(options) && nbdkit_stdio_safe() == 0) {
    throw Error(ErrorKind::usage,
                "passphrase=-, secret=- and the like cannot be used while nbdkit itself uses "
                "standard input");
  }
}

std::vector<WantedExport> wanted_exports(const ServiceConfig& config) {
  std::vector<WantedExport> wanted;
  wanted.reserve(config.exports.size());
  for (const NamedExport& one : config.exports) {
    wanted.push_back({one.name, one.options, access_to(one.options), one.rules});
  }
  return wanted;
}

// The config file as it is now.
ServiceConfig read_config() {
  const std::string& path = state().config_path;
  ServiceConfig config = load_service(path);
  check_subject_rules(config, path, nbdkit_tells_subjects());
  return config;
}

// Listeners and TLS are as `luksdetached serve` has read them, and the rest must be of the same
// file.
void check_config_state(const std::string& path) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  const char* const before = std::getenv(config_state_variable);
  if (before == nullptr || config_file_state(path) == before) return;
  throw Error(ErrorKind::usage,
              "the config file " + path + " was changed while the service began; start it again");
}

int on_config_complete() {
  return guarded(-1, [] {
    State& s = state();
    s.read_only = asks_for_read_only(process_arguments());
    follow_log_option(s.log);
    if (s.config_path.empty()) {
      const ExportOptions options = s.parser.finish();
      check_standard_input(options);
      s.insecure = options.insecure;
      s.exports.follow({{only_export, options, access_to(options)}}, events_at_start());
      return 0;
    }
    if (s.has_parameters) {
      throw OptionError("config= has all parameters in its file; the others cannot be given too");
    }
    s.service = read_config();
    check_config_state(s.config_path);
    s.requires_tls = s.service->tls == TlsMode::require;
    s.insecure = s.service->insecure;
    s.own_sockets.emplace(s.service->listen);
    std::atexit([] { state().own_sockets.reset(); });  // when nbdkit gives up
    s.exports.follow(wanted_exports(*s.service), events_at_start());
    return 0;
  });
}

// What the config has now, for a service that runs.
std::vector<WantedExport> reread_config() {
  State& s = state();
  ServiceConfig config = read_config();
  const std::lock_guard lock(s.followed_mutex);
  if (const std::string keys = fixed_differences(*s.service, config); !keys.empty()) {
    throw OptionError(s.config_path + ": what changed in [service] needs a restart: " + keys);
  }
  std::vector<WantedExport> wanted = wanted_exports(config);
  s.insecure = config.insecure;
  s.service = std::move(config);
  return wanted;
}

// nbdkit before 1.34 (its commit 9d82aa4f) aborts when a client goes away while several answers to
// it are to be sent, and a service must not end with one client. Then a connection gets one request
// at a time, unless the config says otherwise. What came with 1.34 is nbdkit_disconnect.
int on_thread_model() {
  const State& s = state();
  if (s.service && s.service->threads == 0 && !nbdkit_disconnects()) {
    return NBDKIT_THREAD_MODEL_SERIALIZE_REQUESTS;
  }
  return NBDKIT_THREAD_MODEL_PARALLEL;
}

// Who this process will be when it serves; -1: who it is.
uid_t user_when_serving() {
  constexpr auto stays = static_cast<uid_t>(-1);
  const std::optional<std::string> name = user_to_become(process_arguments());
  if (!name) return stays;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  if (const passwd* user = getpwnam(name->c_str())) return user->pw_uid;
  int number = 0;  // what is no name either, nbdkit refuses
  return nbdkit_parse_int("user", name->c_str(), &number) == 0 ? static_cast<uid_t>(number) : stays;
}

std::unique_ptr<MetricsServer> metrics_server(const Listener& listener, bool insecure) {
  if (listener.kind == Listener::Kind::unix_socket) {
    return std::make_unique<MetricsServer>(listener.path, user_when_serving());
  }
  return std::make_unique<MetricsServer>(listener.host, static_cast<std::uint16_t>(listener.port),
                                         insecure ? Reach::everywhere : Reach::this_machine);
}

int on_get_ready() {
  return guarded(-1, [] {
    State& s = state();
    if (!s.service) {
      s.exports.open_first(events_at_start());
      // After the fork it would be too late to say so.
      if (user_to_become(process_arguments())) require_lock_limit();
      return 0;
    }
    if (!s.service->status.empty()) {
      s.status = std::make_unique<StatusServer>(s.service->status, user_when_serving());
    }
    if (s.service->metrics) s.metrics = metrics_server(*s.service->metrics, s.insecure);
    return 0;
  });
}

// What the user that nbdkit has become needs while it serves.
void check_files_of_user(const ServiceConfig& config) {
  const auto is_readable = [](const std::string& path) {
    return ::access(path.c_str(), R_OK) == 0;
  };
  if (!config.tls_psk.empty() && !is_readable(config.tls_psk)) {
    throw Error(ErrorKind::source_unreachable,
                "cannot read " + config.tls_psk + " (tls-psk): " + errno_text(errno) +
                    "; it is read for each client, by the user that the service has become");
  }
  const std::string& path = state().config_path;
  if (!is_readable(path)) {
    state().log.write(LogLevel::warning, "the config file " + path +
                                             " cannot be read by the user that the service has "
                                             "become: it cannot be followed");
  }
}

int on_after_fork() {
  return guarded(-1, [] {
    State& s = state();
    follow_into_background(s.log, s.starter);
    s.hang_up.emplace([&s] {
      s.exports.stop_waiting();
      if (s.service) tell_of_end();
    });
    if (!s.service) {
      s.exports.start_first();
      malloc_trim(0);  // headers and their JSON are not needed any more
      s.is_serving = true;
      return 0;
    }
    // No other process of the user reads the keys of all exports from its memory.
    prctl(PR_SET_DUMPABLE, 0);
    check_files_of_user(*s.service);
    s.keeper.emplace(s.exports, events_of_running_service(), reread_config);
    if (s.status) {
      s.status->start(
          [&s, started = std::chrono::system_clock::now()] {
            return status_report(started, s.exports.statuses(), s.keeper->status());
          },
          [&s] { s.keeper->reload(); });
    }
    if (s.metrics) {
      s.metrics->start([&s] { return metrics_report(s.exports.statuses(), s.keeper->status()); });
    }
    s.reload_on_signal.emplace(*s.keeper);
    tell_service_manager(notify_ready);
    s.keeper->start();
    s.log.write(LogLevel::notice, "the service begins, version " LUKSDETACHED_VERSION);
    s.is_serving = true;
    return 0;
  });
}

}  // namespace

void add_start(nbdkit_plugin& plugin) {
  plugin.dump_plugin = on_dump_plugin;
  plugin.config = on_config;
  plugin.config_complete = on_config_complete;
  plugin.thread_model = on_thread_model;
  plugin.get_ready = on_get_ready;
  plugin.after_fork = on_after_fork;
  plugin.cleanup = on_unload;
  plugin.unload = on_unload;
}

}  // namespace luksdetached
