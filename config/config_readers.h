// The two kinds of tables that a config file has. Included by this folder only.
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

/// Reads all [[export]] into `config`; what is wrong goes to `mistakes`.
void read_exports(const toml::node& node, const UriReader& read_uri, ServiceConfig& config,
                  Mistakes& mistakes);

/// Reads who may see and open an export from its table. `config` has its [service] already, and
/// gets where it asks for subjects of certificates.
ExportRules read_export_rules(Section& section, ServiceConfig& config, Mistakes& mistakes);

}  // namespace luksdetached
