#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "commands.h"
#include "config/needed_files.h"
#include "config_path.h"
#include "export/load_service.h"

namespace luksdetached {

namespace {

int check_config(const std::string& config_path) {
  const ServiceConfig config = load_service(config_path);
  check_needed_files(config, config_path);
  std::printf("%s: good, %zu export%s\n", config_path.c_str(), config.exports.size(),
              config.exports.size() == 1 ? "" : "s");
  return exit_done;
}

}  // namespace

void add_config(CLI::App& app, Action& action) {
  CLI::App& config = *app.add_subcommand("config", "work on config files");
  config.require_subcommand(1);
  CLI::App& check = *config.add_subcommand("check", "say every mistake with its line and column");
  const auto path = std::make_shared<std::string>();
  add_config_path(check, *path);
  check.callback([path, &action] { action = [path] { return check_config(*path); }; });
}

}  // namespace luksdetached
