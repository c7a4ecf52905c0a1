// How many clients there can be.
#pragma once

namespace luksdetached {

/// Has the process file descriptors for one more client and for what else needs them? Without any
/// nbdkit does not stop trying to accept the next client, and the sockets of status and metrics,
/// and servers that are connected to again, have none either.
bool has_room_for_clients() noexcept;

}  // namespace luksdetached
