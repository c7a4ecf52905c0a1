#include <chrono>
#include <cstdint>
#include <cstdio>
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

std::uint64_t reloads(const nlohmann::ordered_json& report) {
  return report.value("reloads", std::uint64_t{0});
}

}  // namespace

int reload(const std::string& config_path) {
  // A mistake is said here, and the service is not bothered with it.
  const ServiceConfig config = load_service(config_path);
  check_installed_nbdkit(config, config_path);
  const std::uint64_t before = reloads(ask_service(config, Request::status));
  nlohmann::ordered_json report = ask_service(config, Request::reload);
  // It may be unlocking an export; and it waits for the requests of those that it removes.
  while (reloads(report) == before) {
    std::this_thread::sleep_for(pause);
    report = ask_service(config, Request::status);
  }
  const std::string error = report.value("reload-error", "");
  if (error.empty()) return exit_done;
  std::fprintf(stderr, "luksdetached: the service did not follow its config: %s\n",
               escape_control(error).c_str());
  return exit_refused;
}

}  // namespace luksdetached
