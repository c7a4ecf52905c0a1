#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "config/export_options.h"
#include "config_path.h"
#include "export/load_service.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

namespace {

struct Arguments {
  std::string config;
  bool ready = false;
  std::vector<std::string> names;
};

int check_health(const Arguments& arguments) {
  if (!arguments.names.empty() && !arguments.ready) {
    throw OptionError("healthcheck takes names only with --ready");
  }
  const ServiceConfig config = load_service(arguments.config);
  const nlohmann::ordered_json report = fetch_status(config);
  if (!arguments.ready) return exit_done;
  std::map<std::string, std::string> states;
  for (const auto& one : report["exports"]) {
    std::string state = one.value("state", "");
    if (one.contains("reason")) state.append(": ").append(one.value("reason", ""));
    states[one.value("name", "")] = std::move(state);
  }
  std::vector<std::string> wanted = arguments.names;
  if (wanted.empty()) {
    for (const NamedExport& one : config.exports) wanted.push_back(one.name);
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

}  // namespace

void add_healthcheck(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("healthcheck", "exit 0 if the running service answers");
  const auto arguments = std::make_shared<Arguments>();
  add_config_path(command, arguments->config);
  command.add_flag("--ready", arguments->ready, "and these exports (or all) are open");
  command.add_option("NAME", arguments->names, "exports that must be open (with --ready)");
  command.callback(
      [arguments, &action] { action = [arguments] { return check_health(*arguments); }; });
}

}  // namespace luksdetached
