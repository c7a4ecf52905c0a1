// What the system remembers of a file's content.
#pragma once

#include <string>

namespace luksdetached::edit {

/// What is read of the file or device `uri` from now on comes from its storage, where the system
/// can do that; nothing for other URIs. When a sync has failed, the system may show as written what
/// the storage has not got.
void forget_cached(const std::string& uri);

}  // namespace luksdetached::edit
