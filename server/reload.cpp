#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "commands.h"
#include "export/load_service.h"
#include "installed_nbdkit.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

namespace {

constexpr std::chrono::milliseconds pause{50};

std::uint64_t number(const nlohmann::ordered_json& report, const char* key) {
  return report.value(key, std::uint64_t{0});
}

}  // namespace

int reload(const std::string& config_path) {
  // A mistake is said here, and the service is not bothered with it.
  const ServiceConfig config = load_service(config_path);
  check_installed_nbdkit(config, config_path);
  nlohmann::ordered_json report = ask_service(config.status, Request::reload);
  // It may have begun another one before, which read an older file.
  const std::uint64_t asked = number(report, "reloads-asked");
  const std::uint64_t pid = number(report, "pid");
  while (number(report, "reloads-answered") < asked) {
    std::this_thread::sleep_for(pause);
    report = ask_service(config.status, Request::status);
    if (number(report, "pid") != pid) {
      throw std::runtime_error("the service was started again before it had followed its config");
    }
  }
  const std::string error = report.value("reload-error", "");
  if (error.empty()) return exit_done;
  std::fprintf(stderr, "luksdetached: the service did not follow its config: %s\n",
               escape_control(error).c_str());
  return exit_refused;
}

}  // namespace luksdetached
