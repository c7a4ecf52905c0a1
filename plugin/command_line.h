// What nbdkit's own command line says, where its API does not tell a plugin in time.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace luksdetached {

/// Was nbdkit started with -r? nbdkit tells plugins only when a client connects, but the payload is
/// opened and locked before. `arguments` are those of nbdkit, without its own name. An option that
/// is not understood counts as no -r; then the payload is opened for writing and the export is
/// read-only all the same.
bool asks_for_read_only(const std::vector<std::string>& arguments);

/// Who nbdkit serves as, a name or a number: the value of -u. None when it stays who starts it.
std::optional<std::string> user_to_become(const std::vector<std::string>& arguments);

/// Where nbdkit is told to log, the value of --log: "stderr", "syslog" or "null". None when it
/// decides itself.
std::optional<std::string> log_destination(const std::vector<std::string>& arguments);

/// The arguments of this process, without its name. Empty when they cannot be read.
std::vector<std::string> process_arguments();

}  // namespace luksdetached
