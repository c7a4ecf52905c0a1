// What a client is told of a request that failed.
#pragma once

namespace luksdetached {

/// The errno for a client, given that of the payload's storage: the same if the NBD protocol has a
/// word for it, else EIO. nbdkit would make EINVAL of the others, as if the client had asked for
/// something wrong; so EINVAL itself becomes EIO, too.
int client_errno(int code) noexcept;

}  // namespace luksdetached
