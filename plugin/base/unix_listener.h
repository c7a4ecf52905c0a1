// A unix socket that listens, and who may connect to it.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/file_descriptor.h"
#include "base/socket_file.h"

namespace luksdetached {

/// The permissions of a socket's file: whoever may write may connect.
struct SocketPermissions {
  mode_t mode = 0600;
  uid_t owner = static_cast<uid_t>(-1);  ///< -1: the user of the process
  gid_t group = static_cast<gid_t>(-1);  ///< -1: the group of the process
};

/// A socket that listens, and its file, which whoever has it removes in the end.
struct UnixListener {
  FileDescriptor socket;
  SocketFile file;
};

/// A socket that listens at `path`, which messages call `what` ("the status socket"). One that a
/// dead process left there is replaced. At no time may anybody connect whom `permissions` keep out.
/// Throws Error(source_unreachable) when it cannot, also when a live process listens there; then
/// nothing of it is left at `path`.
UnixListener listen_unix(const std::string& what, const std::string& path,
                         const SocketPermissions& permissions);

}  // namespace luksdetached
