// What must be on this machine before a service can start.
#pragma once

#include <string_view>

#include "config/service_config.h"

namespace luksdetached {

/// Looks for the folders of the sockets, their owners, the service's user, the files of TLS and
/// nbdkit's filters, as `serve` and nbdkit will. Throws ConfigError with the place in the config,
/// which is called `file`, of each that is missing or cannot be read.
void check_needed_files(const ServiceConfig& config, std::string_view file);

}  // namespace luksdetached
