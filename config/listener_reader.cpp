#include "config/listener_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "config/config_readers.h"

namespace luksdetached {

namespace {

constexpr std::string_view vsock_scheme = "vsock:";
constexpr std::string_view systemd_word = "systemd";

// The whole of `text` as a number in decimal digits.
std::optional<std::uint32_t> decimal(std::string_view text) {
  std::uint32_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

// Would both be the same sockets? Of systemd's the nameless listener has all.
bool overlap(const Listener& a, const Listener& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Listener::Kind::systemd && (a.name.empty() || b.name.empty())) return true;
  return a.path == b.path && a.host == b.host && a.port == b.port && a.name == b.name;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const bool loopback_v4 =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || loopback_v4;
}

bool parse_tcp_listener(std::string_view text, const toml::node& node, Listener& listener,
                        Mistakes& mistakes) {
  const auto wrong = [&](const char* why) {
    mistakes.add(node.source(), "listener '" + shortened(text) + "'" + why);
    return false;
  };
  listener.kind = Listener::Kind::tcp;
  const std::string_view address = text.substr(tcp_scheme.size());
  const std::size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? "" : address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(": an IPv6 address is written in brackets, tcp:[::1]:10809");
  }
  const auto number = decimal(port);
  if (!number || *number < 1 || *number > 65535) {
    return wrong(" needs HOST:PORT, with a port from 1 to 65535");
  }
  const bool strange =
      host.empty() || host.find_first_of("/ \t") != std::string_view::npos || host.starts_with('-');
  if (strange) {
    return wrong(" has no host; all addresses are written tcp:0.0.0.0:PORT or tcp:[::]:PORT");
  }
  listener.host = host;
  listener.port = *number;
  return true;
}

void ListenerReader::read(ServiceConfig& config) {
  const toml::node* node = section_.take("listen");
  if (node == nullptr) {
    section_.missing("listen");
    return;
  }
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    section_.wrong_type("listen", *node, "an array of strings or tables");
    return;
  }
  if (array->empty()) mistakes_.add(node->source(), "listen in [service] is an empty array");
  for (const toml::node& element : *array) read_element(element);
  for (const Place& place : places_) config.listen.push_back(place.listener);
}

void ListenerReader::read_element(const toml::node& element) {
  if (const toml::table* table = element.as_table()) {
    read_table(*table);
  } else if (!element.is_string()) {
    section_.wrong_type("listen", element, "an array of strings or tables");
  } else if (const auto text = section_.text_of("listen", element)) {
    Listener listener;
    if (parse(*text, element, listener)) places_.push_back({std::move(listener), &element});
  }
}

void ListenerReader::read_table(const toml::table& table) {
  Section section(table, "listen of [service]", mistakes_);
  Listener listener;
  const auto address = section.value<std::string>("address", "a string");
  const toml::node* node = section.take("address");
  bool understood = false;
  if (node == nullptr) {
    section.missing("address");
  } else {
    understood = address && parse(*address, *node, listener);
  }
  read_permissions(section, listener);
  section.report_unknown_keys();
  if (understood) places_.push_back({std::move(listener), node});
}

void ListenerReader::read_permissions(Section& section, Listener& listener) {
  constexpr std::int64_t all_permissions = 0777;
  if (const auto mode = section.value<std::int64_t>("mode", "an integer such as 0o660")) {
    if (*mode < 0 || *mode > all_permissions) {
      mistakes_.add(section.take("mode")->source(),
                    "mode in listen of [service] must be from 0o000 to 0o777; it is written with "
                    "0o, such as 0o660");
    } else {
      listener.mode = static_cast<unsigned>(*mode);
    }
  }
  listener.owner = section.value<std::string>("owner", "a string").value_or("");
  listener.group = section.value<std::string>("group", "a string").value_or("");
  for (const char* const key : {"mode", "owner", "group"}) {
    const toml::node* node = section.take(key);
    if (node == nullptr) continue;
    if (listener.kind != Listener::Kind::unix_socket) {
      mistakes_.add(node->source(),
                    std::string(key) + " in listen of [service] is for unix sockets only");
    } else if (node->is_string() && node->value_exact<std::string>()->empty()) {
      mistakes_.add(node->source(), std::string(key) + " in listen of [service] is empty");
    }
  }
}

bool ListenerReader::parse(std::string_view text, const toml::node& node, Listener& listener) {
  if (text.starts_with(unix_scheme)) {
    listener.path = text.substr(unix_scheme.size());
    check_socket_path("listen", listener.path, node, mistakes_);
    return is_absolute(listener.path);
  }
  if (text.starts_with(tcp_scheme)) return parse_tcp_listener(text, node, listener, mistakes_);
  if (text.starts_with(vsock_scheme)) return parse_vsock(text, node, listener);
  const std::string_view after = text.substr(std::min(text.size(), systemd_word.size()));
  const bool named = after.size() > 1 && after.starts_with(':');
  if (text.starts_with(systemd_word) && (after.empty() || named)) {
    listener.kind = Listener::Kind::systemd;
    if (named) listener.name = after.substr(1);
    return true;
  }
  mistakes_.add(node.source(), "listener '" + shortened(text) +
                                   "' is not understood: expected unix:/PATH, tcp:HOST:PORT, "
                                   "vsock:PORT, systemd or systemd:NAME");
  return false;
}

bool ListenerReader::parse_vsock(std::string_view text, const toml::node& node,
                                 Listener& listener) {
  constexpr std::uint32_t any_port = UINT32_MAX;  // VMADDR_PORT_ANY
  listener.kind = Listener::Kind::vsock;
  const auto port = decimal(text.substr(vsock_scheme.size()));
  if (port && *port != any_port) {
    listener.port = *port;
    return true;
  }
  mistakes_.add(node.source(), "listener '" + shortened(text) +
                                   "' needs a port from 0 to 4294967294 after vsock:");
  return false;
}

void ListenerReader::check(ServiceConfig& config) {
  const bool verified =
      config.tls == TlsMode::require && (config.tls_verify_peer || !config.tls_psk.empty());
  for (std::size_t n = 0; n < places_.size(); ++n) {
    const auto& [listener, node] = places_[n];
    const bool again =
        std::any_of(places_.begin(), places_.begin() + static_cast<std::ptrdiff_t>(n),
                    [&](const Place& other) { return overlap(other.listener, listener); });
    if (again) mistakes_.add(node->source(), "listen in [service] has this listener already");
    const bool remote = listener.kind == Listener::Kind::vsock ||
                        (listener.kind == Listener::Kind::tcp && !is_loopback_host(listener.host));
    if (remote && !verified && !config.insecure) {
      mistakes_.add(
          node->source(),
          std::string(listener.kind == Listener::Kind::vsock ? "a vsock listener"
                                                             : "a TCP listener beyond loopback") +
              " needs tls = \"require\" with tls-verify-peer = true or tls-psk, or "
              "insecure = true");
    }
    if (listener.kind != Listener::Kind::unix_socket) continue;
    if (listener.path == config.status) {
      mistakes_.add(section_.take("status")->source(),
                    "status and listen in [service] are the same socket");
    }
    need_folder_of(config, listener.path, "listen", *node);
    using Kind = NeededFile::Kind;
    if (!listener.owner.empty()) need(config, Kind::user, listener.owner, "listen", *node);
    if (!listener.group.empty()) need(config, Kind::group, listener.group, "listen", *node);
  }
}

}  // namespace luksdetached
