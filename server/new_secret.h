// A secret that shall open a volume from now on.
#pragma once

#include "crypto/secure_memory.h"
#include "option_arguments.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// --new-secret and the like. Must stay where it is and live as long as the command line is read.
class NewSecretArguments {
 public:
  /// `command` takes them.
  void add(CLI::App& command);

  /// Which one new secret there is; a passphrase typed on the terminal when none was given. Both
  /// this one and those of `old` can be read. Throws OptionError.
  ExportOptions options(const ExportOptions& old);

 private:
  OptionArguments arguments_{"new-"};
};

/// Throws OptionError unless there is one secret or passphrase in `options`.
void check_single_secret(const ExportOptions& options);

/// Reads the only secret or passphrase of `options`; one that is typed on a terminal is asked for
/// twice. Throws Error.
SecureBuffer read_new_secret(const ExportOptions& options, const Warn& warn);

}  // namespace luksdetached
