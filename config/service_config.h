// The config file: several exports and how they are served. Knows nothing of LUKS.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/export_options.h"
#include "config/export_rules.h"

namespace luksdetached {

/// One [[export]].
struct NamedExport {
  std::string name;  ///< the NBD export name: 1 to 255 bytes, no control characters
  ExportOptions options;
  ExportRules rules;
};

/// Where clients connect.
struct Listener {
  enum class Kind {
    unix_socket,
    tcp,
    vsock,
    systemd,  ///< what systemd listens on and passes to the service
  };
  Kind kind = Kind::unix_socket;
  std::string path{};      ///< Kind::unix_socket: absolute, at most 107 bytes
  unsigned mode = 0600;    ///< Kind::unix_socket: permissions of the socket
  std::string owner{};     ///< Kind::unix_socket: the user who has it; empty: the service's
  std::string group{};     ///< Kind::unix_socket: the group that has it; empty: the service's
  std::string host{};      ///< Kind::tcp: a name or address, without brackets
  std::uint32_t port = 0;  ///< Kind::tcp: 1 to 65535; Kind::vsock: 0 to 2^32 - 2
  std::string name{};      ///< Kind::systemd: FileDescriptorName= of the sockets; empty: all

  bool operator==(const Listener&) const = default;
};

enum class TlsMode { off, on, require };

/// What a service cannot start without, and where the config asks for it.
struct NeededFile {
  enum class Kind { file, folder, user, group, filter };
  Kind kind;
  std::string path;  ///< of Kind::user, group and filter the name
  std::string key;   ///< of [service]
  unsigned line, column;
};

/// A place in the file.
struct ConfigPlace {
  unsigned line, column;  ///< from 1
};

/// A config file, checked.
struct ServiceConfig {
  std::vector<Listener> listen;     ///< at least one
  std::string status;               ///< path of the status socket, or empty
  std::optional<Listener> metrics;  ///< where metrics are given: a unix socket or TCP
  std::string user;                 ///< who the service is when it serves; empty: who starts it
  std::string group;                ///< likewise; empty: the primary group of `user`
  TlsMode tls = TlsMode::off;
  std::string tls_certificates;      ///< directory, or empty
  bool tls_verify_peer = false;      ///< clients need a certificate
  std::string tls_psk;               ///< file of pre-shared keys, or empty
  unsigned threads = 0;              ///< per client connection; 0: nbdkit's own number
  bool insecure = false;             ///< allow what is refused for safety
  std::vector<std::string> filters;  ///< of nbdkit, the first one next to clients
  std::vector<std::pair<std::string, std::string>> filter_parameters;  ///< key and value
  std::string default_export;               ///< which export a client gets that names none
  std::vector<NeededFile> needed_files;     ///< not looked at yet
  std::optional<ConfigPlace> subject_rule;  ///< the first one that needs subjects of certificates
  std::vector<NamedExport> exports;         ///< at least one, names are unique
};

/// The keys of [service] whose values differ and take effect only at a start, as "listen, tls";
/// empty when there are none.
std::string fixed_differences(const ServiceConfig& before, const ServiceConfig& now);

/// Throws ConfigError when the config, which is called `file`, has rules about subjects of
/// certificates and nbdkit does not tell them.
void check_subject_rules(const ServiceConfig& config, std::string_view file,
                         bool nbdkit_tells_subjects);

/// Something wrong at a place of the file.
struct ConfigMistake {
  unsigned line;    ///< from 1
  unsigned column;  ///< from 1
  std::string message;
};

/// Why a config file cannot be used: the first mistake in its syntax, or all in its meaning.
/// `what()` has a line "FILE:LINE:COLUMN: message" for each.
class ConfigError : public std::exception {
 public:
  ConfigError(std::string_view file, std::vector<ConfigMistake> mistakes);
  /// The file as a whole: it cannot be read, or is too large.
  ConfigError(std::string_view file, std::string_view problem);

  const char* what() const noexcept override { return text_.c_str(); }
  const std::vector<ConfigMistake>& mistakes() const noexcept { return mistakes_; }

 private:
  std::vector<ConfigMistake> mistakes_;
  std::string text_;
};

/// Looks at the URI of a header or payload: throws std::exception with a sentence when it is none,
/// and returns a text that is the same for two URIs of one place.
using UriReader = std::function<std::string(std::string_view uri)>;

/// Most bytes of a config file.
inline constexpr std::size_t max_config_bytes = std::size_t{1} << 20;

/// The status socket that a config file names, as it is, whatever mistakes in meaning there are,
/// and in the syntax behind it: a service that runs goes on, and can be asked. Empty when it names
/// none. Throws ConfigError.
std::string load_status_path(const std::string& path);

/// Reads and checks a config file. Throws ConfigError. Looks at no header, payload or secret.
ServiceConfig load_config(const std::string& path, const UriReader& read_uri);

/// The same for a text; `file` is its name in messages.
ServiceConfig parse_config(std::string_view text, std::string_view file, const UriReader& read_uri);

}  // namespace luksdetached
