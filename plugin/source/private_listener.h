// A listening socket that nobody but this process is, or will ever be, connected to.
#pragma once

#include <deque>

#include "base/file_descriptor.h"

namespace luksdetached {

struct PrivateListener {
  FileDescriptor listening;
  std::deque<FileDescriptor> connected;  ///< the first one that will be accepted first
};

/// Makes the socket and so many `connections` to it, which wait to be accepted. It has a name in a
/// folder of its own only for that moment. Throws Error(source_unreachable).
PrivateListener make_private_listener(unsigned connections);

}  // namespace luksdetached
