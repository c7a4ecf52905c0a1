// The command line of what copies data: as command_line.cpp, of which it is a part.
#pragma once

#include "command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
}

namespace luksdetached {

/// Adds encrypt, decrypt, detach and attach to `app`. When a command line that has one of them is
/// parsed, `action` becomes what is to be done.
void add_copy_commands(CLI::App& app, Action& action);

}  // namespace luksdetached
