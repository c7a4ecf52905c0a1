#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "commands.h"
#include "config_path.h"
#include "export/load_service.h"
#include "print_json.h"
#include "source/uri.h"
#include "status_client.h"

namespace luksdetached {

namespace {

struct Arguments {
  std::string config;
  bool json = false;
};

int show_status(const Arguments& arguments) {
  const nlohmann::ordered_json report = fetch_status(load_service(arguments.config));
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

}  // namespace

void add_status(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("status", "show the exports of the running service and their states");
  const auto arguments = std::make_shared<Arguments>();
  add_config_path(command, arguments->config);
  command.add_flag("--json", arguments->json, "as JSON");
  command.callback(
      [arguments, &action] { action = [arguments] { return show_status(*arguments); }; });
}

}  // namespace luksdetached
