#include "commands.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "readiness.h"
#include "status_client.h"

namespace luksdetached {

int check_health(const HealthcheckArguments& arguments) {
  if (!arguments.names.empty() && !arguments.ready) {
    throw OptionError("healthcheck takes names only with --ready");
  }
  const nlohmann::ordered_json report =
      ask_service(load_status_path(arguments.config), Request::status);
  if (!arguments.ready) return exit_done;
  return tell_unready(report, arguments.names) ? exit_done : exit_refused;
}

}  // namespace luksdetached
