// The config file of a service, its URIs looked at.
#pragma once

#include <string>

#include "config/service_config.h"

namespace luksdetached {

/// load_config with the URIs that this version knows. Throws ConfigError.
ServiceConfig load_service(const std::string& path);

}  // namespace luksdetached
