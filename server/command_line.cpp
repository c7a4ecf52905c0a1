#include "command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/option_text.h"
#include "command_line_mistake.h"
#include "command_options.h"
#include "commands.h"
#include "completions.h"
#include "copy_command_line.h"
#include "edit_command_line.h"

namespace luksdetached {

namespace {

void add_config_path(CLI::App& command, std::string& path) {
  // What is then said of options is about those in the file.
  const auto follow_file = [](const std::string& /*path*/) {
    option_style() = OptionStyle::assignment;
  };
  command.add_option("CONFIG", path, "the config file (TOML)")->required()->each(follow_file);
}

// Each of these adds a command with its options to `app`. When a command line that has the command
// is parsed, `action` becomes what is to be done.

void add_serve(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("serve", "check the config, then serve its exports (becomes nbdkit)");
  const auto path = std::make_shared<std::string>();
  add_config_path(command, *path);
  command.callback([path, &action] { action = [path] { return serve(*path); }; });
}

void add_config(CLI::App& app, Action& action) {
  CLI::App& config = *app.add_subcommand("config", "work on config files");
  config.require_subcommand(1);
  CLI::App& check = *config.add_subcommand("check", "say every mistake with its line and column");
  const auto path = std::make_shared<std::string>();
  add_config_path(check, *path);
  check.callback([path, &action] { action = [path] { return check_config(*path); }; });
}

void add_reload(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("reload", "have the running service follow its config file");
  const auto path = std::make_shared<std::string>();
  add_config_path(command, *path);
  command.callback([path, &action] { action = [path] { return reload(*path); }; });
}

void add_status(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("status", "show the exports of the running service and their states");
  const auto arguments = std::make_shared<StatusArguments>();
  add_config_path(command, arguments->config);
  command.add_flag("--json", arguments->json, "as JSON");
  command.callback(
      [arguments, &action] { action = [arguments] { return show_status(*arguments); }; });
}

void add_healthcheck(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("healthcheck", "exit 0 if the running service answers");
  const auto arguments = std::make_shared<HealthcheckArguments>();
  add_config_path(command, arguments->config);
  command.add_flag("--ready", arguments->ready, "and these exports (or all) are open");
  command.add_option("NAME", arguments->names, "exports that must be open (with --ready)");
  command.callback(
      [arguments, &action] { action = [arguments] { return check_health(*arguments); }; });
}

void add_inspect(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("inspect", "show what a header says, and what is weak or wrong with it");
  const auto arguments = std::make_shared<HeaderArguments>();
  add_header_options(command, arguments->options);
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return inspect(*arguments); }; });
}

void add_test(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand(
      "test", "does a secret unlock the header, which key slot, and how long does it take?");
  const auto arguments = std::make_shared<HeaderArguments>();
  OptionArguments& options = arguments->options;
  add_header_options(command, options);
  add_secrets(command, options);
  options.add(command, "volume-key", "SECRET", "the volume key itself, instead of secrets");
  options.add(command, "keyslot", "N", "only this key slot");
  add_limits(command, options);
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return test(*arguments); }; });
}

}  // namespace

Action read_command_line(int argc, const char* const* argv) {
  CLI::App app("LUKS volumes with detached headers over NBD, in userspace", "luksdetached");
  app.set_version_flag("--version", "luksdetached " LUKSDETACHED_VERSION);
  app.require_subcommand(1);
  app.footer("man luksdetached has all about the commands and the config file.");
  Action action;
  for (const auto add :
       {add_serve, add_config, add_reload, add_status, add_healthcheck, add_inspect, add_test,
        add_create, add_copy_commands, add_key_commands, add_header_commands}) {
    add(app, action);
  }
  // What the completions of the shells ask; the words may be any.
  if (argc > 1 && std::string_view(argv[1]) == "complete") {
    const std::string text = completions(app, {argv + 2, argv + argc});
    return [text] {
      std::fputs(text.c_str(), stdout);
      return exit_done;
    };
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_answer = error.get_exit_code() == 0;  // --help and --version
    if (!is_answer) throw OptionError(command_line_mistake(app, error));
    app.exit(error);
    return [] { return exit_done; };
  }
  return action;
}

}  // namespace luksdetached
