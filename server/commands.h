// The commands of the program, one file each.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace luksdetached {

/// Exit statuses of the program.
enum ExitStatus : int {
  exit_done = 0,
  exit_refused = 1,        ///< refused or failed
  exit_usage = 2,          ///< wrong usage or config
  exit_wrong_secret = 3,   ///< the secret did not unlock
  exit_not_supported = 4,  ///< valid, but not supported or against policy
};

/// What the command line asks for. Returns the exit status or throws.
using Action = std::function<int()>;

// Each of these adds a command with its options to `app`. When a command line that has the command
// is parsed, `action` becomes what is to be done.

/// `serve CONFIG`: checks the config, then becomes nbdkit; returns only when that failed.
void add_serve(CLI::App& app, Action& action);

/// `config check CONFIG`: prints every mistake.
void add_config(CLI::App& app, Action& action);

/// `status CONFIG`: prints the exports of the running service and their states.
void add_status(CLI::App& app, Action& action);

/// `healthcheck CONFIG`: does the service answer, and are exports open?
void add_healthcheck(CLI::App& app, Action& action);

/// `inspect HEADER`: prints what a header says, and what is weak or wrong with it.
void add_inspect(CLI::App& app, Action& action);

/// `test HEADER`: does a secret unlock it, which key slot, and how long does that take?
void add_test(CLI::App& app, Action& action);

}  // namespace luksdetached
