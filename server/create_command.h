// What the commands that make a volume have in common.
#pragma once

#include "commands.h"
#include "config/export_options.h"

namespace luksdetached {

/// The options of a command that makes a volume: one header, a payload and one secret; a passphrase
/// typed on the terminal when none was given. Throws OptionError.
ExportOptions read_create_options(CreateArguments& arguments);

}  // namespace luksdetached
