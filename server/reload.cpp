#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "commands.h"
#include "export/load_service.h"
#include "installed_nbdkit.h"
#include "readiness.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{50};
// A key derivation usually takes two seconds.
constexpr std::chrono::seconds opening_patience{10};

std::uint64_t number(const nlohmann::ordered_json& report, const char* key) {
  return report.value(key, std::uint64_t{0});
}

bool is_any_waiting(const nlohmann::ordered_json& report) {
  return std::ranges::any_of(report["exports"],
                             [](const auto& one) { return one.value("state", "") == "waiting"; });
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
  const auto look_again = [&] {
    std::this_thread::sleep_for(pause);
    report = ask_service(config.status, Request::status);
    if (number(report, "pid") != pid) {
      throw std::runtime_error("the service was started again before it had followed its config");
    }
  };
  while (number(report, "reloads-answered") < asked) look_again();
  const std::string error = report.value("reload-error", "");
  if (!error.empty()) {
    std::fprintf(stderr, "luksdetached: the service did not follow its config: %s\n",
                 escape_control(error).c_str());
    return exit_refused;
  }
  const Clock::time_point patient_until = Clock::now() + opening_patience;
  while (is_any_waiting(report) && Clock::now() < patient_until) look_again();
  // It has followed its config all the same: one export does not take the others down.
  (void)tell_unready(report, {});
  return exit_done;
}

}  // namespace luksdetached
