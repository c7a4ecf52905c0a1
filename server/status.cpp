#include <cstdio>
#include <string>

#include "commands.h"
#include "export/load_service.h"
#include "print_json.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

int show_status(const StatusArguments& arguments) {
  const nlohmann::ordered_json report =
      ask_service(load_service(arguments.config), Request::status);
  if (arguments.json) {
    print_json(report);
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
    std::printf("%-20s %-8s %s\n", escape_control(name).c_str(), escape_control(state).c_str(),
                escape_control(details).c_str());
  }
  return exit_done;
}

}  // namespace luksdetached
