#include <algorithm>
#include <cstdio>
#include <map>

#include "commands.h"
#include "status_client.h"

namespace luksdetached {

int check_health(const std::string& config_path, bool ready,
                 const std::vector<std::string>& names) {
  const nlohmann::ordered_json report = fetch_status(config_path);
  if (!ready) return exit_done;
  std::map<std::string, std::string> states;
  for (const auto& one : report["exports"]) {
    states[one.value("name", "")] = one.value("state", "");
  }
  std::vector<std::string> wanted = names;
  if (wanted.empty()) {
    for (const auto& [name, state] : states) wanted.push_back(name);
  }
  int result = exit_done;
  for (const std::string& name : wanted) {
    const auto found = states.find(name);
    if (found != states.end() && found->second == "open") continue;
    std::fprintf(stderr, "luksdetached: export %s %s\n", name.c_str(),
                 found == states.end() ? "does not exist" : ("is " + found->second).c_str());
    result = exit_refused;
  }
  return result;
}

}  // namespace luksdetached
