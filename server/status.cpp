#include <cstdio>

#include "commands.h"
#include "status_client.h"

namespace luksdetached {

int show_status(const std::string& config_path, bool json) {
  const nlohmann::ordered_json report = fetch_status(config_path);
  if (json) {
    std::printf("%s\n", report.dump(2).c_str());
    return exit_done;
  }
  for (const auto& one : report["exports"]) {
    const std::string name = one.value("name", "");
    const std::string state = one.value("state", "");
    std::string details = one.value("reason", "");
    if (state == "open") {
      details = std::to_string(one.value("size", std::uint64_t{0})) + " bytes" +
                (one.value("writable", false) ? "" : ", read-only");
    }
    std::printf("%-20s %-8s %s\n", name.c_str(), state.c_str(), details.c_str());
  }
  return exit_done;
}

}  // namespace luksdetached
