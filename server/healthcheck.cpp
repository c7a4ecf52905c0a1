#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

int check_health(const HealthcheckArguments& arguments) {
  if (!arguments.names.empty() && !arguments.ready) {
    throw OptionError("healthcheck takes names only with --ready");
  }
  const nlohmann::ordered_json report =
      ask_service(load_status_path(arguments.config), Request::status);
  if (!arguments.ready) return exit_done;
  std::map<std::string, std::string> states;
  for (const auto& one : report["exports"]) {
    std::string state = one.value("state", "");
    if (one.contains("reason")) state.append(": ").append(one.value("reason", ""));
    states[one.value("name", "")] = std::move(state);
  }
  std::vector<std::string> wanted = arguments.names;
  if (wanted.empty()) {
    for (const auto& [name, state] : states) wanted.push_back(name);
  }
  int result = exit_done;
  for (const std::string& name : wanted) {
    const auto found = states.find(name);
    if (found != states.end() && found->second == "open") continue;
    const std::string state = found == states.end() ? "there is none" : found->second;
    std::fprintf(stderr, "luksdetached: export %s is not ready: %s\n", name.c_str(),
                 escape_control(state).c_str());
    result = exit_refused;
  }
  return result;
}

}  // namespace luksdetached
