// The command line: which commands there are, what each takes, and what --help says of them.
#pragma once

#include <functional>

namespace luksdetached {

/// What there is to do. Returns the exit status or throws.
using Action = std::function<int()>;

/// Reads the command line. --help and --version are answered here; then the action only returns the
/// exit status. Throws OptionError.
Action read_command_line(int argc, const char* const* argv);

}  // namespace luksdetached
