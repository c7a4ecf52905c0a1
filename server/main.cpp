// The program: reads its command line, runs one command, turns failures into exit statuses.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "commands.h"
#include "config/service_config.h"

namespace {

using namespace luksdetached;

// What the command line asks for.
struct Arguments {
  std::string config;
  bool json = false;
  bool ready = false;
  std::vector<std::string> names;
};

void take_config(CLI::App& command, Arguments& arguments) {
  command.add_option("CONFIG", arguments.config, "the config file (TOML)")->required();
}

int run(int argc, char** argv) {
  CLI::App app("LUKS volumes with detached headers over NBD, in userspace", "luksdetached");
  app.set_version_flag("--version", "luksdetached " LUKSDETACHED_VERSION);
  app.require_subcommand(1);
  Arguments arguments;

  CLI::App& serve_command =
      *app.add_subcommand("serve", "check the config, then serve its exports (becomes nbdkit)");
  take_config(serve_command, arguments);

  CLI::App& config_command = *app.add_subcommand("config", "work on config files");
  config_command.require_subcommand(1);
  CLI::App& check_command =
      *config_command.add_subcommand("check", "say every mistake with its line and column");
  take_config(check_command, arguments);

  CLI::App& status_command =
      *app.add_subcommand("status", "show the exports of the running service and their states");
  take_config(status_command, arguments);
  status_command.add_flag("--json", arguments.json, "as JSON");

  CLI::App& health_command =
      *app.add_subcommand("healthcheck", "exit 0 if the running service answers");
  take_config(health_command, arguments);
  health_command.add_flag("--ready", arguments.ready, "and these exports (or all) are open");
  health_command.add_option("NAME", arguments.names, "exports that must be open (with --ready)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  if (!arguments.names.empty() && !arguments.ready) {
    std::fprintf(stderr, "luksdetached: healthcheck takes names only with --ready\n");
    return exit_usage;
  }
  if (serve_command) return serve(arguments.config);
  if (check_command) return check_config(arguments.config);
  if (status_command) return show_status(arguments.config, arguments.json);
  return check_health(arguments.config, arguments.ready, arguments.names);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const ConfigError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_usage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "luksdetached: %s\n", error.what());
    return exit_refused;
  }
}
