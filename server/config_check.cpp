#include <cstdio>
#include <string>

#include "commands.h"
#include "config/needed_files.h"
#include "export/load_service.h"
#include "installed_nbdkit.h"

namespace luksdetached {

int check_config(const std::string& config_path) {
  const ServiceConfig config = load_service(config_path);
  check_needed_files(config, config_path);
  check_installed_nbdkit(config, config_path);
  std::printf("%s: good, %zu export%s\n", config_path.c_str(), config.exports.size(),
              config.exports.size() == 1 ? "" : "s");
  return exit_done;
}

}  // namespace luksdetached
