// Tells whether two URIs are of one payload.
#pragma once

#include <string>
#include <vector>

namespace luksdetached {

/// Texts of which two URIs of one payload have at least one in common, as far as that can be told:
/// how the place is spelled, and which file, block device or server's socket is there now, under
/// whatever name. Not for messages. Throws as parse_uri.
std::vector<std::string> payload_identities(const std::string& uri);

/// May what they are change while the payload is open? A server that was started again has another
/// socket; a file that is open stays the one that it is.
bool may_change_identity(const std::string& uri);

}  // namespace luksdetached
