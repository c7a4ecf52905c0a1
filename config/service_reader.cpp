// [service]: status socket, TLS, threads, user. Listeners and filters have files of their own.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "config/config_readers.h"
#include "config/listener_reader.h"

namespace luksdetached {

namespace {

constexpr unsigned max_threads = 256;

class ServiceReader {
 public:
  ServiceReader(const toml::table& table, Mistakes& mistakes)
      : section_(table, "[service]", mistakes), mistakes_(mistakes) {}

  void read(ServiceConfig& config) {
    listeners_.read(config);
    config.status = read_socket_path("status");
    if (const auto insecure = section_.value<bool>("insecure", "true or false")) {
      config.insecure = *insecure;
    }
    read_tls(config);
    read_threads(config);
    read_metrics(section_, config, mistakes_);
    read_user(config);
    read_filters(section_, config, mistakes_);
    if (const auto name = section_.value<std::string>("default", "a string")) {
      if (name->empty()) {
        mistakes_.add(section_.take("default")->source(), "default in [service] is empty");
      }
      config.default_export = *name;
    }
    section_.report_unknown_keys();
    check_tls(config);
    listeners_.check(config);
    list_needed_files(config);
  }

 private:
  std::string read_socket_path(std::string_view key) {
    const auto path = section_.value<std::string>(key, "a string");
    if (!path) return {};
    check_socket_path(key, *path, *section_.take(key), mistakes_);
    return *path;
  }

  std::string read_path(std::string_view key) {
    const auto path = section_.value<std::string>(key, "a string");
    if (!path) return {};
    if (!is_absolute(*path)) {
      mistakes_.add(section_.take(key)->source(),
                    std::string(key) + " in [service] must be an absolute path");
    }
    return *path;
  }

  void read_tls(ServiceConfig& config) {
    if (const auto mode = section_.value<std::string>("tls", R"("off", "on" or "require")")) {
      if (*mode == "on") {
        config.tls = TlsMode::on;
      } else if (*mode == "require") {
        config.tls = TlsMode::require;
      } else if (*mode != "off") {
        mistakes_.add(section_.take("tls")->source(),
                      R"(tls in [service] must be "off", "on" or "require", not ")" +
                          shortened(*mode) + "\"");
      }
    }
    config.tls_certificates = read_path("tls-certificates");
    config.tls_psk = read_path("tls-psk");
    if (const auto verify = section_.value<bool>("tls-verify-peer", "true or false")) {
      config.tls_verify_peer = *verify;
    }
  }

  void read_threads(ServiceConfig& config) {
    const auto threads = section_.value<std::int64_t>("threads", "an integer");
    if (!threads) return;
    if (*threads < 1 || *threads > max_threads) {
      mistakes_.add(section_.take("threads")->source(),
                    "threads in [service] must be from 1 to " + std::to_string(max_threads));
      return;
    }
    config.threads = static_cast<unsigned>(*threads);
  }

  void check_tls(const ServiceConfig& config) {
    const bool has_certificates = !config.tls_certificates.empty();
    const bool has_psk = !config.tls_psk.empty();
    if (config.tls == TlsMode::off) {
      for (const std::string_view key : {"tls-certificates", "tls-psk", "tls-verify-peer"}) {
        if (const toml::node* node = section_.take(key)) {
          mistakes_.add(node->source(),
                        std::string(key) + R"( in [service] needs tls = "on" or "require")");
        }
      }
    } else if (has_certificates && has_psk) {
      mistakes_.add(section_.take("tls-psk")->source(),
                    "tls-psk and tls-certificates in [service] exclude each other");
    } else if (!has_certificates && !has_psk) {
      mistakes_.add(section_.take("tls")->source(),
                    "tls in [service] needs tls-certificates or tls-psk");
    } else if (config.tls_verify_peer && has_psk) {
      mistakes_.add(section_.take("tls-verify-peer")->source(),
                    "tls-verify-peer in [service] is about certificates; tls-psk always verifies");
    }
  }

  void read_user(ServiceConfig& config) {
    for (const auto& [key, name, kind] :
         {std::tuple{"user", &config.user, NeededFile::Kind::user},
          std::tuple{"group", &config.group, NeededFile::Kind::group}}) {
      const auto text = section_.value<std::string>(key, "a string");
      if (!text) continue;
      if (text->empty()) {
        mistakes_.add(section_.take(key)->source(), std::string(key) + " in [service] is empty");
      }
      *name = *text;
      need(config, kind, *text, key, *section_.take(key));
    }
    if (const toml::node* group = section_.take("group");
        group != nullptr && section_.take("user") == nullptr) {
      mistakes_.add(group->source(), "group in [service] needs user");
    }
  }

  void list_needed_files(ServiceConfig& config) {
    using Kind = NeededFile::Kind;
    if (is_absolute(config.status)) {
      need_folder_of(config, config.status, "status", *section_.take("status"));
    }
    if (!config.tls_certificates.empty()) {
      for (const char* const name : {"/ca-cert.pem", "/server-cert.pem", "/server-key.pem"}) {
        need(config, Kind::file, config.tls_certificates + name, "tls-certificates",
             *section_.take("tls-certificates"));
      }
    }
    if (!config.tls_psk.empty()) {
      need(config, Kind::file, config.tls_psk, "tls-psk", *section_.take("tls-psk"));
    }
  }

  Section section_;
  Mistakes& mistakes_;
  ListenerReader listeners_{section_, mistakes_};
};

}  // namespace

void need(ServiceConfig& config, NeededFile::Kind kind, std::string path, std::string_view key,
          const toml::node& node) {
  const toml::source_position& at = node.source().begin;
  config.needed_files.push_back({kind, std::move(path), std::string(key), at.line, at.column});
}

void need_folder_of(ServiceConfig& config, const std::string& socket, std::string_view key,
                    const toml::node& node) {
  need(config, NeededFile::Kind::folder, socket.substr(0, socket.rfind('/') + 1), key, node);
}

void check_socket_path(std::string_view key, std::string_view path, const toml::node& node,
                       Mistakes& mistakes) {
  constexpr std::size_t max_unix_path_bytes = 107;
  if (!is_absolute(path)) {
    mistakes.add(node.source(), std::string(key) + " in [service] must be an absolute path");
  } else if (path.size() > max_unix_path_bytes) {
    mistakes.add(node.source(), std::string(key) + " in [service] is longer than " +
                                    std::to_string(max_unix_path_bytes) +
                                    " bytes, which is all that a unix socket can have");
  }
}

void read_service(const toml::table& table, ServiceConfig& config, Mistakes& mistakes) {
  ServiceReader(table, mistakes).read(config);
}

}  // namespace luksdetached
