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

/// Reads `metrics` of `section`, which is [service], into `config`, where `listen`, `status` and
/// `insecure` are by now.
void read_metrics(Section& section, ServiceConfig& config, Mistakes& mistakes);

/// Reads all [[export]] into `config`; what is wrong goes to `mistakes`.
void read_exports(const toml::node& node, const UriReader& read_uri, ServiceConfig& config,
                  Mistakes& mistakes);

}  // namespace luksdetached
