// Asks the running service for its status.
#pragma once

#include <nlohmann/json.hpp>

#include "config/service_config.h"

namespace luksdetached {

/// Connects to the status socket that `config` names and returns the report. Throws
/// std::runtime_error when there is none, nobody answers within five seconds, or the answer is not
/// a report.
nlohmann::ordered_json fetch_status(const ServiceConfig& config);

}  // namespace luksdetached
