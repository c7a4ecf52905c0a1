#include <cstdio>

#include "commands.h"
#include "config/service_config.h"
#include "json_failure.h"
#include "print_json.h"
#include "status_client.h"
#include "status_text.h"

namespace luksdetached {

int show_status(const StatusArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const nlohmann::ordered_json report =
        ask_service(load_status_path(arguments.config), Request::status);
    if (arguments.json) {
      print_json(report);
    } else {
      std::printf("%s", status_text(report).c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
