// [service]: listener, status socket, TLS, threads.
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/config_readers.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_unix_path_bytes = 107;
constexpr unsigned max_threads = 256;

class ServiceReader {
 public:
  ServiceReader(const toml::table& table, Mistakes& mistakes)
      : section_(table, "[service]", mistakes), mistakes_(mistakes) {}

  void read(ServiceConfig& config) {
    read_listen(config);
    config.status = read_socket_path("status");
    if (const auto insecure = section_.value<bool>("insecure", "true or false")) {
      config.insecure = *insecure;
    }
    read_tls(config);
    read_threads(config);
    read_metrics(section_, config, mistakes_);
    if (const auto name = section_.value<std::string>("default", "a string")) {
      if (name->empty()) {
        mistakes_.add(section_.take("default")->source(), "default in [service] is empty");
      }
      config.default_export = *name;
    }
    section_.report_unknown_keys();
    check_tls(config);
    check_sockets(config);
    list_needed_files(config);
  }

 private:
  void read_listen(ServiceConfig& config) {
    const toml::node* node = section_.take("listen");
    if (node == nullptr) {
      section_.missing("listen");
      return;
    }
    listen_ = node;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      section_.wrong_type("listen", *node, "an array of strings");
      return;
    }
    if (array->size() != 1) {
      mistakes_.add(node->source(), "listen in [service] must have exactly one listener, not " +
                                        std::to_string(array->size()));
      return;
    }
    const toml::node& element = *array->get(0);
    if (!element.is_string()) {
      section_.wrong_type("listen", element, "an array of strings");
      return;
    }
    const auto text = section_.text_of("listen", element);
    if (!text) return;
    listen_ = &element;
    parse_listener(*text, config.listen);
  }

  void parse_listener(std::string_view text, Listener& listener) {
    constexpr std::string_view unix_scheme = "unix:";
    constexpr std::string_view tcp_scheme = "tcp:";
    if (text.starts_with(unix_scheme)) {
      listener.kind = Listener::Kind::unix_socket;
      listener.path = text.substr(unix_scheme.size());
      check_socket_path("listen", listener.path, *listen_);
    } else if (text.starts_with(tcp_scheme)) {
      listener.kind = Listener::Kind::tcp;
      parse_host_and_port(text.substr(tcp_scheme.size()), listener);
    } else {
      mistakes_.add(listen_->source(), "listener '" + shortened(text) +
                                           "' is not understood: expected unix:/PATH or "
                                           "tcp:HOST:PORT");
    }
  }

  void parse_host_and_port(std::string_view text, Listener& listener) {
    const std::size_t colon = text.rfind(':');
    std::string_view host = text.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      mistakes_.add(listen_->source(), "listener 'tcp:" + shortened(text) +
                                           "': an IPv6 address is written in brackets, "
                                           "tcp:[::1]:10809");
      return;
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number < 1 || number > 65535) {
      mistakes_.add(listen_->source(), "listener 'tcp:" + shortened(text) +
                                           "' needs HOST:PORT, with a port from 1 to 65535");
      return;
    }
    const bool strange = host.empty() || host.find_first_of("/ \t") != std::string_view::npos ||
                         host.starts_with('-');
    if (strange) {
      mistakes_.add(listen_->source(), "listener 'tcp:" + shortened(text) +
                                           "' has no host; all addresses are written "
                                           "tcp:0.0.0.0:PORT or tcp:[::]:PORT");
      return;
    }
    listener.host = host;
    listener.port = static_cast<std::uint16_t>(number);
  }

  std::string read_socket_path(std::string_view key) {
    const auto path = section_.value<std::string>(key, "a string");
    if (!path) return {};
    check_socket_path(key, *path, *section_.take(key));
    return *path;
  }

  void check_socket_path(std::string_view key, std::string_view path, const toml::node& node) {
    if (!is_absolute(path)) {
      mistakes_.add(node.source(), std::string(key) + " in [service] must be an absolute path");
    } else if (path.size() > max_unix_path_bytes) {
      mistakes_.add(node.source(), std::string(key) + " in [service] is longer than " +
                                       std::to_string(max_unix_path_bytes) +
                                       " bytes, which is all that a unix socket can have");
    }
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
    if (const auto mode = section_.value<std::string>("tls", "a string")) {
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
    if (config.listen.kind != Listener::Kind::tcp || config.listen.host.empty()) return;
    const std::string& host = config.listen.host;
    const bool loopback_v4 =
        host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
    const bool loopback = host == "localhost" || host == "::1" || loopback_v4;
    const bool verified = config.tls == TlsMode::require && (config.tls_verify_peer || has_psk);
    if (!loopback && !verified && !config.insecure) {
      mistakes_.add(listen_->source(),
                    "a TCP listener beyond loopback needs tls = \"require\" with tls-verify-peer = "
                    "true or tls-psk, or insecure = true");
    }
  }

  void check_sockets(const ServiceConfig& config) {
    if (!config.status.empty() && config.status == config.listen.path) {
      mistakes_.add(section_.take("status")->source(),
                    "status and listen in [service] are the same socket");
    }
  }

  void list_needed_files(ServiceConfig& config) {
    const auto need = [&](NeededFile::Kind kind, std::string path, std::string_view key,
                          const toml::node& node) {
      const toml::source_position& at = node.source().begin;
      config.needed_files.push_back({kind, std::move(path), std::string(key), at.line, at.column});
    };
    const auto need_folder_of = [&](const std::string& socket, std::string_view key,
                                    const toml::node& node) {
      need(NeededFile::Kind::folder, socket.substr(0, socket.rfind('/') + 1), key, node);
    };
    if (is_absolute(config.listen.path)) need_folder_of(config.listen.path, "listen", *listen_);
    if (is_absolute(config.status)) {
      need_folder_of(config.status, "status", *section_.take("status"));
    }
    if (!config.tls_certificates.empty()) {
      for (const char* const name : {"/ca-cert.pem", "/server-cert.pem", "/server-key.pem"}) {
        need(NeededFile::Kind::file, config.tls_certificates + name, "tls-certificates",
             *section_.take("tls-certificates"));
      }
    }
    if (!config.tls_psk.empty()) {
      need(NeededFile::Kind::file, config.tls_psk, "tls-psk", *section_.take("tls-psk"));
    }
  }

  Section section_;
  Mistakes& mistakes_;
  const toml::node* listen_ = nullptr;
};

}  // namespace

void read_service(const toml::table& table, ServiceConfig& config, Mistakes& mistakes) {
  ServiceReader(table, mistakes).read(config);
}

}  // namespace luksdetached
