// A listening TCP socket.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_descriptor.h"

namespace luksdetached {

/// A socket that listens on the first address of `host`, a name or a number without brackets.
/// `what` is for messages: what is wanted there ("the metrics"). Throws Error(source_unreachable).
FileDescriptor listen_on_tcp(const std::string& what, const std::string& host, std::uint16_t port);

}  // namespace luksdetached
