// `listen` of [service]. Included by this folder only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/service_config.h"
#include "config/toml_section.h"

namespace luksdetached {

/// Reads "tcp:HOST:PORT", which is at `node`, into `listener`. False when it is none, and why is in
/// `mistakes`.
bool parse_tcp_listener(std::string_view text, const toml::node& node, Listener& listener,
                        Mistakes& mistakes);

/// Is `host` this machine alone, whoever asks?
bool is_loopback_host(std::string_view host);

/// Reads the listeners of a service.
class ListenerReader {
 public:
  /// `section` is [service]. Both references must outlive it.
  ListenerReader(Section& section, Mistakes& mistakes) : section_(section), mistakes_(mistakes) {}

  /// Reads them into `config`; what is wrong goes to the mistakes.
  void read(ServiceConfig& config);

  /// When all of [service] has been read into `config`: does each go with the rest? Adds what they
  /// need to the needed files.
  void check(ServiceConfig& config);

 private:
  // One that was understood, and where it is.
  struct Place {
    Listener listener;
    const toml::node* node;
  };

  void read_element(const toml::node& element);
  void read_table(const toml::table& table);
  bool parse(std::string_view text, const toml::node& node, Listener& listener);
  bool parse_vsock(std::string_view text, const toml::node& node, Listener& listener);
  void read_permissions(Section& section, Listener& listener);

  Section& section_;
  Mistakes& mistakes_;
  std::vector<Place> places_;
};

}  // namespace luksdetached
