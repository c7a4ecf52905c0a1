// Files that are installed with the program.
#pragma once

#include <string>

namespace luksdetached {

/// The path of nbdkit's plugin: the installed one, or in a build folder the one that was built with
/// this program.
std::string plugin_path();

/// Likewise, of the policy for TLS.
std::string tls_policy_path();

}  // namespace luksdetached
