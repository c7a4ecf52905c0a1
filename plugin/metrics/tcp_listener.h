// A listening TCP socket.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_descriptor.h"

namespace luksdetached {

/// Who may be able to connect.
enum class Reach { this_machine, everywhere };

/// A socket that listens on the first address of `host`, a name or a number without brackets, that
/// this machine has. `what` is for messages: what is wanted there ("the metrics"). Throws
/// Error(source_unreachable), also when the address can be reached from further than `reach`.
FileDescriptor listen_on_tcp(const std::string& what, const std::string& host, std::uint16_t port,
                             Reach reach);

}  // namespace luksdetached
