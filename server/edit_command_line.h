// The command line of what changes headers: as command_line.cpp, of which it is a part.
#pragma once

#include "command_line.h"
#include "commands.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
}

namespace luksdetached {

/// `command` takes what a new volume is like, where it goes and what opens it. Must live as long as
/// the command line is read.
void add_new_volume(CLI::App& command, CreateArguments& arguments);

// Each of these adds commands to `app`. When a command line that has one of them is parsed,
// `action` becomes what is to be done.

/// key list, key add, key change and key remove.
void add_key_commands(CLI::App& app, Action& action);

/// create.
void add_create(CLI::App& app, Action& action);

/// header backup and header restore.
void add_header_commands(CLI::App& app, Action& action);

}  // namespace luksdetached
