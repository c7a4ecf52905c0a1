// Asks the running service for its status.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace luksdetached {

/// Connects to the status socket that the config file names and returns the report. Throws
/// std::runtime_error when there is none, nobody answers within five seconds, or the answer is not
/// a report; ConfigError when the file is wrong.
nlohmann::ordered_json fetch_status(const std::string& config_path);

}  // namespace luksdetached
