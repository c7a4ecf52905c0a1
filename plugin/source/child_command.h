// How a child server is started: what to run so that it serves what a URI names.
#pragma once

#include <string>
#include <vector>

#include "source/source.h"
#include "source/uri.h"

namespace luksdetached {

struct ChildServerCommand {
  /// The program and its arguments. It finds a listening socket as descriptor 3. Whoever is on this
  /// machine may see them: no credential is among them.
  std::vector<std::string> arguments{};
  /// Each becomes a descriptor, 4 and following, from which one line is read.
  std::vector<std::string> credentials{};
  /// What tells of the files that an image refers to (`refers_to` reads it); empty where none can.
  std::vector<std::string> inspect{};
  std::string package{};  ///< the Debian package of the program
};

/// What serves `uri`, of Scheme::child, to so many `connections` at once. Runs nothing, looks at
/// nothing. Throws Error(policy) for what would show a credential to other users, unless
/// `insecure`, and Error(usage) for what the program cannot be given.
ChildServerCommand child_server_command(const Uri& uri, Access access, bool insecure,
                                        unsigned connections);

/// What the image refers to, of which `json` tells: "a backing file", "a data file" or nothing.
/// Throws Error(source_unreachable) when that is not what the program is to write.
std::string refers_to(const std::string& json);

/// What to do about it when a child server has written `said` before it ended, or nothing.
std::string child_server_advice(const std::string& said);

}  // namespace luksdetached
