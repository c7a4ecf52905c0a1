// The two kinds of tables that a config file has, and what is a subject of its own in [service].
// Included by this folder only.
#pragma once

#include <string_view>

#include "config/service_config.h"
#include "config/toml_section.h"

namespace luksdetached {

inline bool is_absolute(std::string_view path) {
  return path.starts_with('/');
}

/// Reads [service] into `config`; what is wrong goes to `mistakes`.
void read_service(const toml::table& table, ServiceConfig& config, Mistakes& mistakes);

/// Reads `metrics` of `section`, which is [service], into `config`, where `listen`, `status` and
/// `insecure` are by now.
void read_metrics(Section& section, ServiceConfig& config, Mistakes& mistakes);

/// Reads `filters` and `filter-parameters` of `section`, which is [service], into `config`.
void read_filters(Section& section, ServiceConfig& config, Mistakes& mistakes);

/// The config needs what `path` names: adds it to its needed files. `key` of [service], with its
/// value `node`, asks for it.
void need(ServiceConfig& config, NeededFile::Kind kind, std::string path, std::string_view key,
          const toml::node& node);

/// The same for the folder of a socket.
void need_folder_of(ServiceConfig& config, const std::string& socket, std::string_view key,
                    const toml::node& node);

/// A unix socket cannot be made at every `path`: says so at `node`, the value of `key` in
/// [service].
void check_socket_path(std::string_view key, std::string_view path, const toml::node& node,
                       Mistakes& mistakes);

/// Reads all [[export]] into `config`; what is wrong goes to `mistakes`.
void read_exports(const toml::node& node, const UriReader& read_uri, ServiceConfig& config,
                  Mistakes& mistakes);

/// Reads who may see and open an export from its table. `config` has its [service] already, and
/// gets where it asks for subjects of certificates.
ExportRules read_export_rules(Section& section, ServiceConfig& config, Mistakes& mistakes);

}  // namespace luksdetached
