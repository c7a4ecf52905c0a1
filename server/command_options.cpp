#include "command_options.h"

#include <CLI/CLI.hpp>

namespace luksdetached {

void add_secrets(CLI::App& command, OptionArguments& options) {
  options.add(command, "secret", "SECRET",
              "where key bytes are, used exactly as they are: a path, fd:N, -, credential:NAME, "
              "exec:PATH, token:; may repeat");
  options.add(command, "secret-offset", "SIZE", "bytes of each secret to skip");
  options.add(command, "secret-size", "SIZE", "bytes of each secret to use");
  options.add(command, "passphrase", "+FILE|-|-FD",
              "one line of a file, of standard input or of a file descriptor; may repeat");
}

void add_limits(CLI::App& command, OptionArguments& options) {
  options.add(command, "kdf-memory-max", "SIZE", "refuse key slots that need more (4G)");
  options.add(command, "kdf-iterations-max", "N", "refuse more PBKDF2 iterations (100000000)");
}

void add_header_options(CLI::App& command, OptionArguments& options) {
  options.add_header(command);
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "as JSON");
}

}  // namespace luksdetached
