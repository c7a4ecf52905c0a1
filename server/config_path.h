// The argument of the commands about a service.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace luksdetached {

/// `command` takes CONFIG; it goes into `path`, which must live as long as the command line is
/// read.
inline void add_config_path(CLI::App& command, std::string& path) {
  command.add_option("CONFIG", path, "the config file (TOML)")->required();
}

}  // namespace luksdetached
