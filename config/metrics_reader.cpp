// `metrics` of [service].
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config_readers.h"

namespace luksdetached {

namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view tcp_scheme = "tcp:";
constexpr std::size_t max_unix_path = 107;

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// HOST:PORT, an IPv6 address in brackets.
std::optional<Listener> parse_tcp(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.empty() || host.find_first_of("/ \t") != std::string_view::npos) return std::nullopt;
  const std::string_view port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number == 0) return std::nullopt;
  Listener listener;
  listener.kind = Listener::Kind::tcp;
  listener.host = host;
  listener.port = number;
  return listener;
}

std::optional<Listener> parse_unix(std::string_view path) {
  if (!is_absolute(path) || path.size() > max_unix_path) return std::nullopt;
  Listener listener;
  listener.path = path;
  return listener;
}

}  // namespace

void read_metrics(Section& section, ServiceConfig& config, Mistakes& mistakes) {
  const auto text = section.value<std::string>("metrics", "a string");
  if (!text) return;
  const toml::node& node = *section.take("metrics");
  const auto wrong = [&](const std::string& why) {
    mistakes.add(node.source(), "metrics in [service] " + why);
  };
  if (text->starts_with(unix_scheme)) {
    config.metrics = parse_unix(text->substr(unix_scheme.size()));
  } else if (text->starts_with(tcp_scheme)) {
    config.metrics = parse_tcp(text->substr(tcp_scheme.size()));
  }
  if (!config.metrics) {
    wrong(
        "is not understood: expected \"unix:/PATH\", at most 107 bytes long, or "
        "\"tcp:HOST:PORT\", with an IPv6 address in brackets");
    return;
  }
  if (config.metrics->kind == Listener::Kind::tcp) {
    if (!is_this_machine(config.metrics->host) && !config.insecure) {
      wrong("is beyond loopback, where everybody may read them: that needs insecure = true");
    }
    if (*config.metrics == config.listen) wrong("and listen are the same address");
    return;
  }
  const std::string& path = config.metrics->path;
  if (path == config.status || *config.metrics == config.listen) {
    wrong("is the socket of status or listen, too");
  }
  const toml::source_position& at = node.source().begin;
  config.needed_files.push_back({NeededFile::Kind::folder, path.substr(0, path.rfind('/') + 1),
                                 "metrics", at.line, at.column});
}

}  // namespace luksdetached
