// Options that several commands have.
#pragma once

#include "option_arguments.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
}

namespace luksdetached {

// `command` takes them; what they are written to must live as long as the command line is read.

/// What opens a volume: secrets and passphrases.
void add_secrets(CLI::App& command, OptionArguments& options);

/// What a key derivation may cost.
void add_limits(CLI::App& command, OptionArguments& options);

/// HEADER, and what allows to read it.
void add_header_options(CLI::App& command, OptionArguments& options);

/// --json
void add_json(CLI::App& command, bool& json);

}  // namespace luksdetached
