// The commands of the program, one file each. They return its exit status.
#pragma once

#include <string>
#include <vector>

namespace luksdetached {

/// Exit statuses of the program.
enum ExitStatus : int {
  exit_done = 0,
  exit_refused = 1,  ///< refused or failed
  exit_usage = 2,    ///< wrong usage or config
};

/// `serve`: checks the config, then becomes nbdkit; returns only when that failed.
int serve(const std::string& config_path);

/// `config check`: prints every mistake.
int check_config(const std::string& config_path);

/// `status`: prints the exports of the running service and their states.
int show_status(const std::string& config_path, bool json);

/// `healthcheck`: does the service answer? With `ready`: and are the exports `names` (all, when
/// there are none) open?
int check_health(const std::string& config_path, bool ready, const std::vector<std::string>& names);

}  // namespace luksdetached
