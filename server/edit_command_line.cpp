#include "edit_command_line.h"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "command_options.h"
#include "commands.h"

namespace luksdetached {

namespace {

void add_kdf(CLI::App& command, edit::KdfChoice& kdf) {
  command.add_option("--pbkdf", kdf.type, "how the new key slot's key is derived (argon2id)")
      ->option_text("argon2id|argon2i|pbkdf2")
      ->check(CLI::IsMember({"argon2id", "argon2i", "pbkdf2"}));
  command.add_option("--hash", kdf.hash, "the hash of the new key slot (sha256)")
      ->option_text("NAME");
  command.add_option("--pbkdf-memory", kdf.memory_kib, "of Argon2, at most (1048576)")
      ->option_text("KIB");
  command.add_option("--pbkdf-parallel", kdf.lanes, "lanes of Argon2, at most (4)")
      ->option_text("N");
  command.add_option("--pbkdf-force-iterations", kdf.iterations, "measure nothing")
      ->option_text("N");
  command.add_option("--iter-time", kdf.milliseconds, "how long it takes on this machine (2000)")
      ->option_text("MILLISECONDS");
}

void add_priority(CLI::App& command, std::optional<unsigned>& priority) {
  const std::map<std::string, unsigned> words = {{"ignore", 0}, {"normal", 1}, {"prefer", 2}};
  command.add_option("--priority", priority, "of the new key slot (LUKS2)")
      ->option_text("ignore|normal|prefer")
      ->transform(CLI::Transformer(words))
      ->check(CLI::Range(0U, 2U));
}

// What `key add` and `key change` have in common.
void add_new_key(CLI::App& command, KeyArguments& arguments) {
  add_header_options(command, arguments.options);
  add_secrets(command, arguments.options);
  arguments.options.add(command, "keyslot", "N", "only this key slot is unlocked");
  add_limits(command, arguments.options);
  arguments.new_secret.add(command);
  command.add_option("--slot", arguments.slot, "the new key slot (the first free one)")
      ->option_text("N");
  add_priority(command, arguments.priority);
  add_kdf(command, arguments.kdf);
  add_json(command, arguments.json);
}

void add_key_list(CLI::App& key, Action& action) {
  CLI::App& command = *key.add_subcommand("list", "show the key slots of a header");
  const auto arguments = std::make_shared<HeaderArguments>();
  add_header_options(command, arguments->options);
  add_json(command, arguments->json);
  command.callback(
      [arguments, &action] { action = [arguments] { return list_keys(*arguments); }; });
}

void add_key_add(CLI::App& key, Action& action) {
  CLI::App& command = *key.add_subcommand("add", "let another secret open the volume, too");
  const auto arguments = std::make_shared<KeyArguments>();
  add_new_key(command, *arguments);
  arguments->options.add(command, "volume-key", "SECRET",
                         "the volume key itself, instead of secrets");
  command.callback([arguments, &action] { action = [arguments] { return add_key(*arguments); }; });
}

void add_key_change(CLI::App& key, Action& action) {
  CLI::App& command =
      *key.add_subcommand("change", "let another secret open the volume instead of this one");
  const auto arguments = std::make_shared<KeyArguments>();
  add_new_key(command, *arguments);
  command.callback(
      [arguments, &action] { action = [arguments] { return change_key(*arguments); }; });
}

void add_key_remove(CLI::App& key, Action& action) {
  CLI::App& command = *key.add_subcommand(
      "remove", "remove a key slot, by its number or the one that a secret opens");
  const auto arguments = std::make_shared<KeyArguments>();
  add_header_options(command, arguments->options);
  command.add_option("--slot", arguments->slot, "the key slot to remove")->option_text("K");
  add_secrets(command, arguments->options);
  arguments->options.add(command, "keyslot", "N", "with a secret: only this key slot");
  add_limits(command, arguments->options);
  command.add_flag("--force", arguments->force, "also the last one that opens the volume");
  add_json(command, arguments->json);
  command.callback(
      [arguments, &action] { action = [arguments] { return remove_key(*arguments); }; });
}

void add_header_backup(CLI::App& header, Action& action) {
  CLI::App& command = *header.add_subcommand("backup", "copy a header into a file");
  const auto arguments = std::make_shared<HeaderBackupArguments>();
  add_header_options(command, arguments->options);
  command.add_option("--output", arguments->output, "the file to make")
      ->option_text("FILE")
      ->required();
  command.add_flag("--force", arguments->force, "replace an older backup of the same volume");
  add_json(command, arguments->json);
  command.callback(
      [arguments, &action] { action = [arguments] { return back_up_header(*arguments); }; });
}

void add_header_restore(CLI::App& header, Action& action) {
  CLI::App& command = *header.add_subcommand("restore", "put a backup in the place of a header");
  const auto arguments = std::make_shared<HeaderRestoreArguments>();
  add_header_options(command, arguments->options);
  command.add_option("--input", arguments->input, "the backup: a path or a URI")
      ->option_text("FILE")
      ->required();
  command.add_option("--keep-old", arguments->keep_old, "where what is there now is kept")
      ->option_text("PATH");
  command.add_flag("--force", arguments->force,
                   "also where the header is damaged, or another volume's");
  add_json(command, arguments->json);
  command.callback(
      [arguments, &action] { action = [arguments] { return restore_header(*arguments); }; });
}

}  // namespace

void add_new_volume(CLI::App& command, CreateArguments& arguments) {
  OptionArguments& options = arguments.options;
  edit::VolumeChoice& choice = arguments.choice;
  options.add(command, "header", "URI", "where the header goes");
  options.add(command, "payload", "URI", "where the encrypted sectors are, or shall be");
  options.add(command, "secret", "SECRET",
              "where the key bytes are that shall open it: a path, fd:N, -, credential:NAME, "
              "exec:PATH");
  options.add(command, "secret-offset", "SIZE", "bytes of the secret to skip");
  options.add(command, "secret-size", "SIZE", "bytes of the secret to use");
  options.add(command, "passphrase", "+FILE|-|-FD",
              "one line of a file, of standard input or of a file descriptor");
  command.add_option("--luks", choice.version, "the version of the format (2)")
      ->option_text("1|2")
      ->check(CLI::Range(1U, 2U));
  command.add_option("--cipher", choice.cipher, "of the data (aes-xts-plain64)")
      ->option_text("NAME");
  command.add_option("--key-size", choice.key_bits, "of the volume key (512)")->option_text("BITS");
  command
      .add_option("--sector-size", arguments.sector_bytes,
                  "of the data, in bytes (4096 where it fits)")
      ->option_text("512|1024|2048|4096")
      ->check(CLI::IsMember({512, 1024, 2048, 4096}));
  command.add_option("--uuid", choice.uuid, "of the volume (a random one)")->option_text("UUID");
  command.add_option("--label", choice.label, "of the volume (LUKS2)")->option_text("TEXT");
  add_kdf(command, choice.kdf);
  add_limits(command, options);
  command.add_flag("--force", arguments.force, "also over what is there already");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  add_json(command, arguments.json);
}

void add_create(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("create", "make a new volume: its header, and a payload");
  const auto arguments = std::make_shared<CreateArguments>();
  add_new_volume(command, *arguments);
  command
      .add_option("--payload-size", arguments->payload_size,
                  "make the payload, a file of so many bytes; without, it must be there")
      ->option_text("SIZE");
  command.callback([arguments, &action] { action = [arguments] { return create(*arguments); }; });
}

void add_header_commands(CLI::App& app, Action& action) {
  CLI::App& header = *app.add_subcommand("header", "back up and restore headers");
  header.require_subcommand(1);
  for (const auto add : {add_header_backup, add_header_restore}) add(header, action);
}

void add_key_commands(CLI::App& app, Action& action) {
  CLI::App& key = *app.add_subcommand("key", "show and change key slots");
  key.require_subcommand(1);
  for (const auto add : {add_key_list, add_key_add, add_key_change, add_key_remove}) {
    add(key, action);
  }
}

}  // namespace luksdetached
