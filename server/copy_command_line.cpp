#include "copy_command_line.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "command_options.h"
#include "commands.h"
#include "edit_command_line.h"

namespace luksdetached {

namespace {

void add_encrypt(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("encrypt", "copy plain data into a new volume");
  const auto arguments = std::make_shared<EncryptArguments>();
  command.add_option("SOURCE", arguments->source, "where the plain data are: a path or a URI")
      ->required();
  add_new_volume(command, arguments->volume);
  command.callback([arguments, &action] { action = [arguments] { return encrypt(*arguments); }; });
}

void add_decrypt(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("decrypt", "copy the plain data of a volume");
  const auto arguments = std::make_shared<DecryptArguments>();
  command
      .add_option("TARGET", arguments->target,
                  "where the plain data go: a path, which is made, or a URI")
      ->required();
  OptionArguments& options = arguments->options;
  options.add(command, "header", "URI", "where the header is; may repeat");
  options.add(command, "payload", "URI", "where the encrypted sectors are");
  options.add(command, "payload-offset", "SIZE",
              "where in the payload they begin (as the header says)");
  add_secrets(command, options);
  options.add(command, "volume-key", "SECRET", "the volume key itself, instead of secrets");
  options.add(command, "keyslot", "N", "only this key slot");
  add_limits(command, options);
  command.add_flag("--force", arguments->force, "also over what is there already");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return decrypt(*arguments); }; });
}

}  // namespace

void add_copy_commands(CLI::App& app, Action& action) {
  for (const auto add : {add_encrypt, add_decrypt}) add(app, action);
}

}  // namespace luksdetached
