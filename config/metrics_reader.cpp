// `metrics` of [service].
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "config/config_readers.h"
#include "config/listener_reader.h"

namespace luksdetached {

namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view tcp_scheme = "tcp:";

}  // namespace

void read_metrics(Section& section, ServiceConfig& config, Mistakes& mistakes) {
  const auto text = section.value<std::string>("metrics", "a string");
  if (!text) return;
  const toml::node& node = *section.take("metrics");
  const auto wrong = [&](const std::string& why) {
    mistakes.add(node.source(), "metrics in [service] " + why);
  };
  Listener listener;
  if (text->starts_with(unix_scheme)) {
    listener.path = text->substr(unix_scheme.size());
    check_socket_path("metrics", listener.path, node, mistakes);
    if (!is_absolute(listener.path)) return;
    if (listener.path == config.status) wrong("is the socket of status, too");
    need_folder_of(config, listener.path, "metrics", node);
  } else if (text->starts_with(tcp_scheme)) {
    if (!parse_tcp_listener(*text, node, listener, mistakes)) return;
    if (!is_loopback_host(listener.host) && !config.insecure) {
      wrong("is beyond loopback, where everybody may read them: that needs insecure = true");
    }
  } else {
    wrong("is not understood: expected unix:/PATH or tcp:HOST:PORT");
    return;
  }
  const bool is_for_clients = std::ranges::any_of(config.listen, [&](const Listener& other) {
    return other.kind == listener.kind && other.path == listener.path &&
           other.host == listener.host && other.port == listener.port;
  });
  if (is_for_clients) wrong("and listen are the same address");
  config.metrics = std::move(listener);
}

}  // namespace luksdetached
