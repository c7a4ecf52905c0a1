// The config file as a file.
#pragma once

#include <string>

namespace luksdetached {

/// What the file holds; of one that is too large a byte more than it may have. Throws ConfigError
/// when it is no regular file or cannot be read.
std::string read_config_file(const std::string& path);

/// Which file is at `path` and when it was changed last: when it is the same before and after two
/// programs have read it, both have read the same. Empty when there is none.
std::string config_file_state(const std::string& path);

/// The environment variable in which `luksdetached serve` tells the plugin the state that the file
/// had before it read it.
inline constexpr const char* config_state_variable = "LUKSDETACHED_CONFIG_STATE";

}  // namespace luksdetached
