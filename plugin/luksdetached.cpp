// The nbdkit plugin: callbacks in the order in which nbdkit calls them. Everything they do is in
// the library; here exceptions become nbdkit_error and errno.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
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
#include <thread>
#include <utility>

#include "access.h"
#include "audit.h"
#include "base/error.h"
#include "base/signals.h"
#include "client_errno.h"
#include "command_line.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "crypto/hash.h"
#include "crypto/sector_cipher.h"
#include "crypto/secure_memory.h"
#include "current_peer.h"
#include "export/export_keeper.h"
#include "export/load_service.h"
#include "export/registry.h"
#include "export_access.h"
#include "export_log.h"
#include "hang_up.h"
#include "log/log.h"
#include "log/log_limit.h"
#include "metrics/metrics_server.h"
#include "metrics/request_counters.h"
#include "newer_nbdkit.h"
#include "own_sockets.h"
#include "reload_on_signal.h"
#include "service_manager.h"
#include "status/metrics_report.h"
#include "status/status_report.h"
#include "status/status_server.h"
#include "volume/volume.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using namespace luksdetached;

// What lives between the callbacks. Never destroyed at exit: when nbdkit goes into the background
// its first process exits, and must not say goodbye to servers that the second one uses.
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

// The one export of a process without config=.
constexpr const char* only_export = "";

State& state() {
  static auto* const the_state = new State;
  return *the_state;
}

// One client.
struct Connection {
  Connection(std::shared_ptr<Export> its_export, bool is_read_only)
      : rules(its_export->rules()),
        client(std::move(its_export)),
        size(client.volume()->measure()),
        read_only(is_read_only || !client.volume()->writable()),
        syncs(client.volume()->sync_failures()) {}

  std::shared_ptr<const ExportRules> rules;  // as when it came
  Export::Client client;
  std::uint64_t size;  // as when it came: NBD has no way to tell it later
  bool read_only;
  SyncFailures::Witness syncs;
  std::atomic<bool> knows_of_removal = false;
  std::optional<Audit::Opened> audited;  // in a service
};

Connection& connection_of(void* handle) {
  return *static_cast<Connection*>(handle);
}

RequestCounters& requests_of(void* handle) {
  return connection_of(handle).client.requests();
}

// Throws when the export was removed meanwhile. The first time the client is told so; if it goes on
// and nothing of it is under way it is let go, where nbdkit can.
Export::Client::Use volume_of(void* handle) {
  Connection& connection = connection_of(handle);
  try {
    return connection.client.volume();
  } catch (const Error&) {
    if (connection.client.is_over() && connection.knows_of_removal.exchange(true)) {
      disconnect_client();
    }
    throw;
  }
}

// While nbdkit starts its user expects its own words for what fails.
void log_error(const std::string& text) {
  if (state().is_serving) {
    state().log.write(LogLevel::error, text);
  } else {
    nbdkit_error("%s", text.c_str());
  }
}

void log(const Error& error) {
  if (error.kind() != ErrorKind::io) {
    log_error(error.what());
  } else if (const auto dropped = state().io_errors.admit(LogLimit::Clock::now())) {
    log_error(error.what() +
              (*dropped == 0 ? "" : " (and " + std::to_string(*dropped) + " before it)"));
  }
}

// Runs `body`; an exception becomes nbdkit's error and `on_error`.
template <typename Result, typename Body>
Result guarded(Result on_error, Body body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    log(error);
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
  events.reload_ended = [] { tell_service_manager(notify_ready); };
  return events;
}

// As nbdkit itself does.
void follow_log_option() {
  const std::optional<std::string> told = log_destination(process_arguments());
  if (told == "syslog") state().log.set_target(Log::Target::syslog);
  if (told == "null") state().log.set_target(Log::Target::nowhere);
}

// nbdkit in the background has no standard error, but logs to syslog(3).
void follow_into_background() {
  if (log_destination(process_arguments())) return;
  struct stat info {};
  const bool has_none = ::fstat(STDERR_FILENO, &info) != 0 ||
                        (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3));  // /dev/null
  // With --run there is another process, too, but not in the background.
  if (has_none && ::getpid() != state().starter) state().log.set_target(Log::Target::syslog);
}

// ---- start ----

void on_unload() {
  State& s = state();
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
  std::printf("luksdetached_aes_kernel=%s\n", std::string(aes_xts_kernel()).c_str());
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

int on_config_complete() {
  return guarded(-1, [] {
    State& s = state();
    s.read_only = asks_for_read_only(process_arguments());
    follow_log_option();
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

std::unique_ptr<MetricsServer> metrics_server(const Listener& listener) {
  if (listener.kind == Listener::Kind::unix_socket) {
    return std::make_unique<MetricsServer>(listener.path, user_when_serving());
  }
  return std::make_unique<MetricsServer>(listener.host, static_cast<std::uint16_t>(listener.port));
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
    if (s.service->metrics) s.metrics = metrics_server(*s.service->metrics);
    return 0;
  });
}

int on_after_fork() {
  return guarded(-1, [] {
    State& s = state();
    follow_into_background();
    s.hang_up.emplace([&s] {
      if (s.service) notify_stopping();
      s.exports.stop_waiting();
    });
    if (!s.service) {
      s.exports.start_first();
      s.is_serving = true;
      return 0;
    }
    // No other process of the user reads the keys of all exports from its memory.
    prctl(PR_SET_DUMPABLE, 0);
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
    s.is_serving = true;
    return 0;
  });
}

// ---- a client comes ----

// Of a client without the TLS that is required nothing else is heard: nbdkit turns it away without
// a word.
int on_preconnect(int) {
  return guarded(-1, [] {
    State& s = state();
    if (s.requires_tls) s.audit.connected(current_peer(false));
    return 0;
  });
}

// Throws Error(policy) when the client may not see any export.
void check_peer(const Peer& peer) {
  State& s = state();
  const AccessDecision decision = decide_access(peer.kind, peer.tls, s.insecure);
  if (!decision.allowed) throw Error(ErrorKind::policy, decision.message);
  // Once is enough: a busy local client would flood the log.
  if (!decision.message.empty() && !s.warned_of_peer.exchange(true)) {
    s.log.write(LogLevel::warning, decision.message);
  }
}

// Runs `body` for a client. In a service a client that is refused has a line of its own in the log;
// what it is told is the same for all reasons.
template <typename Result, typename Body>
Result let_in(Result on_refusal, std::optional<std::string_view> name, bool tls, Body body) {
  return guarded(on_refusal, [&] {
    const Peer peer = current_peer(tls);
    try {
      check_peer(peer);
      return body(peer);
    } catch (const Error& error) {
      if (!state().service) throw;
      state().audit.refused(name, peer, error.what());
      nbdkit_set_error(ENOENT);
      return on_refusal;
    }
  });
}

// Lists what the client could open now.
int on_list_exports(int, int is_tls, nbdkit_exports* exports) {
  return let_in(-1, std::nullopt, is_tls != 0, [&](const Peer& peer) {
    if (!state().service) return nbdkit_use_default_export(exports);
    for (const ExportStatus& one : state().exports.statuses()) {
      const ExportRules& rules = *one.rules;
      if (one.state != ExportState::open || !rules.list || !why_not_allowed(rules, peer).empty()) {
        continue;
      }
      const char* about = rules.description.empty() ? nullptr : rules.description.c_str();
      if (nbdkit_add_export(exports, one.name.c_str(), about) != 0) return -1;
    }
    return 0;
  });
}

const char* on_default_export(int, int) {
  State& s = state();
  const std::lock_guard lock(s.followed_mutex);
  return s.service ? nbdkit_strdup_intern(s.service->default_export.c_str()) : only_export;
}

void* on_open(int read_only) {
  State& s = state();
  const char* asked = s.service ? nbdkit_export_name() : only_export;
  if (asked == nullptr) return nullptr;
  return let_in<void*>(nullptr, asked, nbdkit_is_tls() == 1, [&](const Peer& peer) -> void* {
    std::shared_ptr<Export> found = s.exports.find(asked);
    if (const std::string why = why_not_allowed(*found->rules(), peer); !why.empty()) {
      throw Error(ErrorKind::policy, why);
    }
    auto connection = std::make_unique<Connection>(std::move(found), read_only != 0);
    if (s.service) connection->audited.emplace(s.audit, asked, peer, connection->read_only);
    return connection.release();
  });
}

void on_close(void* handle) {
  delete &connection_of(handle);
}

const char* on_export_description(void* handle) {
  const std::string& description = connection_of(handle).rules->description;
  return description.empty() ? nullptr : description.c_str();
}

std::int64_t on_get_size(void* handle) {
  return static_cast<std::int64_t>(connection_of(handle).size);
}

int on_can_write(void* handle) {
  return guarded(-1, [&] {
    return volume_of(handle)->writable() && !connection_of(handle).read_only ? 1 : 0;
  });
}

int on_can_flush(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_flush() ? 1 : 0; });
}

int on_can_fua(void* handle) {
  return guarded(
      -1, [&] { return volume_of(handle)->can_flush() ? NBDKIT_FUA_NATIVE : NBDKIT_FUA_NONE; });
}

int on_can_zero(void* handle) {
  return on_can_write(handle);
}

// The plugin never has a fast way, and says so to each request for it.
int on_can_fast_zero(void* handle) {
  return on_can_write(handle);
}

int on_can_trim(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_discard() ? 1 : 0; });
}

// Without it nbdkit says that everything is data.
int on_can_extents(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_find_holes() ? 1 : 0; });
}

int on_can_cache(void* handle) {
  return guarded(-1, [&] {
    return volume_of(handle)->can_prefetch() ? NBDKIT_CACHE_NATIVE : NBDKIT_CACHE_NONE;
  });
}

int on_is_rotational(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->rotational() ? 1 : 0; });
}

// All clients share one payload, and a flush of it covers what any of them wrote.
int on_can_multi_conn(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_flush() ? 1 : 0; });
}

int on_block_size(void* handle, std::uint32_t* minimum, std::uint32_t* preferred,
                  std::uint32_t* maximum) {
  return guarded(-1, [&] {
    *minimum = 1;
    *preferred =
        std::max<std::uint32_t>(4096, static_cast<std::uint32_t>(volume_of(handle)->sector_size()));
    *maximum = 64U << 20;  // nbdkit takes no larger requests
    return 0;
  });
}

// ---- a client reads and writes ----

int on_pread(void* handle, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::read, count);
    volume_of(handle)->read({static_cast<std::byte*>(buffer), count}, offset);
    request.succeed();
    return 0;
  });
}

Durability durability_of(std::uint32_t flags) {
  return (flags & NBDKIT_FLAG_FUA) != 0 ? Durability::durable : Durability::cached;
}

int on_pwrite(void* handle, const void* buffer, std::uint32_t count, std::uint64_t offset,
              std::uint32_t flags) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::write, count);
    volume_of(handle)->write({static_cast<const std::byte*>(buffer), count}, offset,
                             durability_of(flags), connection_of(handle).syncs);
    request.succeed();
    return 0;
  });
}

// Ends a request that takes long when its client has gone or nbdkit is to end.
void throw_if_ending() {
  if (nbdkit_nanosleep(0, 0) == 0) return;
  throw Error(ErrorKind::io, "the server or the connection is ending", ESHUTDOWN);
}

int on_zero(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  // Encrypted zeros have to be written like anything else. A hole would not read as zeros, so
  // NBDKIT_FLAG_MAY_TRIM changes nothing.
  if ((flags & NBDKIT_FLAG_FAST_ZERO) != 0) {
    nbdkit_set_error(EOPNOTSUPP);
    return -1;
  }
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::zero, count);
    volume_of(handle)->zero(count, offset, durability_of(flags), connection_of(handle).syncs,
                            throw_if_ending);
    request.succeed();
    return 0;
  });
}

int on_trim(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::trim, count);
    volume_of(handle)->discard(count, offset, durability_of(flags), connection_of(handle).syncs,
                               throw_if_ending);
    request.succeed();
    return 0;
  });
}

int on_flush(void* handle, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::flush, 0);
    volume_of(handle)->flush(connection_of(handle).syncs);
    request.succeed();
    return 0;
  });
}

int on_extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags,
               nbdkit_extents* extents) {
  // Of 4 GiB in small pieces a client gets the beginning; it asks again from there.
  constexpr std::size_t enough = 65536;
  const std::size_t most = (flags & NBDKIT_FLAG_REQ_ONE) != 0 ? 1 : enough;
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::extents, 0);
    for (const Extent& extent : volume_of(handle)->extents(count, offset, most)) {
      // A hole, but never "zero": it reads as noise.
      const std::uint32_t type = extent.hole ? NBDKIT_EXTENT_HOLE : 0;
      if (nbdkit_add_extent(extents, offset, extent.length, type) != 0) return -1;
      offset += extent.length;
    }
    request.succeed();
    return 0;
  });
}

int on_cache(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::cache, count);
    volume_of(handle)->prefetch(count, offset);
    request.succeed();
    return 0;
  });
}

constexpr const char* description =
    "Serves the plain sectors of a LUKS1 or LUKS2 volume whose header is kept apart\n"
    "from its encrypted payload.";

constexpr const char* config_help =
    "header=URI           (required) Where the LUKS header is. May repeat: the first that\n"
    "                     can be read and unlocks is used.\n"
    "payload=URI          (required) Where the encrypted sectors are.\n"
    "                     URI: a path, file:, nbd://, nbds://, nbd+unix://, nbds+unix://,\n"
    "                     nbd+vsock://, nbds+vsock://, http://, https:// (read-only), ssh://,\n"
    "                     sftp://, nbdkit:PLUGIN?key=value&..., qemu:FORMAT:NAME\n"
    "secret=SECRET        Where key bytes are, used exactly as they are. May repeat.\n"
    "                     SECRET: a path, fd:N, - (standard input), credential:NAME\n"
    "                     (in $CREDENTIALS_DIRECTORY), exec:PATH (what a program writes),\n"
    "                     token: (what the LUKS2 tokens yield)\n"
    "secret-offset=SIZE   Skip so many bytes of each secret.\n"
    "secret-size=SIZE     Use only so many bytes of each secret.\n"
    "passphrase=+FILE     One line of FILE, without its newline. May repeat.\n"
    "passphrase=-         One line from standard input.\n"
    "passphrase=-FD       One line from file descriptor FD.\n"
    "volume-key=SECRET    The volume key itself, when no key slot is left.\n"
    "                     (A secret, a passphrase or the volume key is required.)\n"
    "keyslot=N            Try only key slot N.\n"
    "kdf-memory-max=SIZE  Refuse key slots that need more memory (default 4G).\n"
    "kdf-iterations-max=N Refuse more PBKDF2 iterations (default 100000000).\n"
    "require-luks=1|2     Refuse a header of another version,\n"
    "require-uuid=UUID    of another volume,\n"
    "require-cipher=NAME  with another cipher (as cryptsetup luksDump spells it),\n"
    "header-sha256=HEX    or with another byte (from 0 to the end of the key slot area).\n"
    "payload-offset=SIZE  Where the data begin in the payload (default: as the header says).\n"
    "readonly=true        Never write, and serve read-only.\n"
    "reconnect-timeout=N  Seconds that requests wait for a payload server that went away (default "
    "60).\n"
    "discard=true         Pass discards on and report holes: shows which sectors are in use.\n"
    "lock=false           Do not lock the payload against other writers.\n"
    "insecure=true        Allow remote clients without TLS and servers that are not verified.\n"
    "config=FILE          Many exports from one TOML file, instead of all of the above.";

nbdkit_plugin make_plugin() {
  nbdkit_plugin plugin{};
  plugin.name = "luksdetached";
  plugin.longname = "LUKS with a detached header";
  plugin.version = LUKSDETACHED_VERSION;
  plugin.description = description;
  plugin.unload = on_unload;
  plugin.config = on_config;
  plugin.config_complete = on_config_complete;
  plugin.config_help = config_help;
  plugin.open = on_open;
  plugin.close = on_close;
  plugin.get_size = on_get_size;
  plugin.can_write = on_can_write;
  plugin.can_flush = on_can_flush;
  plugin.is_rotational = on_is_rotational;
  plugin.can_trim = on_can_trim;
  plugin.dump_plugin = on_dump_plugin;
  plugin.can_fua = on_can_fua;
  plugin.pread = on_pread;
  plugin.pwrite = on_pwrite;
  plugin.flush = on_flush;
  plugin.trim = on_trim;
  plugin.zero = on_zero;
  plugin.can_zero = on_can_zero;
  plugin.can_extents = on_can_extents;
  plugin.extents = on_extents;
  plugin.can_cache = on_can_cache;
  plugin.cache = on_cache;
  plugin.can_fast_zero = on_can_fast_zero;
  plugin.can_multi_conn = on_can_multi_conn;
  plugin.thread_model = on_thread_model;
  plugin.get_ready = on_get_ready;
  plugin.after_fork = on_after_fork;
  plugin.list_exports = on_list_exports;
  plugin.default_export = on_default_export;
  plugin.cleanup = on_unload;
  plugin.block_size = on_block_size;
  plugin.export_description = on_export_description;
  plugin.preconnect = on_preconnect;
  return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
