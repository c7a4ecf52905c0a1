#include <cstdio>

#include "commands.h"
#include "config/service_config.h"

namespace luksdetached {

int check_config(const std::string& config_path) {
  const ServiceConfig config = load_config(config_path);
  std::printf("%s: good, %zu export%s\n", config_path.c_str(), config.exports.size(),
              config.exports.size() == 1 ? "" : "s");
  return exit_done;
}

}  // namespace luksdetached
