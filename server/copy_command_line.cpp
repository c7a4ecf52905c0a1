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
  command.add_flag("--force", arguments->force, "also over files that exist and what blkid knows");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return decrypt(*arguments); }; });
}

void add_detach(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("detach", "make a header and a payload of an ordinary volume");
  const auto arguments = std::make_shared<DetachArguments>();
  OptionArguments& options = arguments->options;
  command.add_option("VOLUME", arguments->volume, "an ordinary LUKS volume: a path or a URI")
      ->required();
  command
      .add_option("--header", arguments->header,
                  "where the header goes: a path, which is made, or a URI")
      ->option_text("URI")
      ->required();
  command
      .add_option("--payload", arguments->payload,
                  "where the data go: a path, which is made, or a URI (they stay in VOLUME)")
      ->option_text("URI");
  command.add_flag("--wipe-header", arguments->wipe_header,
                   "overwrite the header in VOLUME, when the other one was proved to open it");
  add_secrets(command, options);
  options.add(command, "keyslot", "N", "only this key slot");
  add_limits(command, options);
  command.add_flag("--force", arguments->force, "also over files that exist and what blkid knows");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return detach(*arguments); }; });
}

void add_attach(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("attach", "make an ordinary volume of a header and a payload");
  const auto arguments = std::make_shared<AttachArguments>();
  OptionArguments& options = arguments->options;
  command
      .add_option("VOLUME", arguments->volume,
                  "the ordinary volume: a path, which is made, a URI, or the payload itself")
      ->required();
  options.add(command, "header", "URI", "where the header is");
  options.add(command, "payload", "URI", "where the encrypted sectors are");
  command.add_flag("--force", arguments->force, "also over files that exist and what blkid knows");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  add_json(command, arguments->json);
  command.callback([arguments, &action] { action = [arguments] { return attach(*arguments); }; });
}

}  // namespace

void add_copy_commands(CLI::App& app, Action& action) {
  for (const auto add : {add_encrypt, add_decrypt, add_detach, add_attach}) add(app, action);
}

}  // namespace luksdetached
