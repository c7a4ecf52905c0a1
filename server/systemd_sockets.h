// The sockets that systemd opened for the service (sd_listen_fds(3)).
#pragma once

#include <string>
#include <vector>

#include "base/file_descriptor.h"

namespace luksdetached {

/// One that systemd passed.
struct SystemdSocket {
  FileDescriptor fd;
  std::string name;  ///< its FileDescriptorName=
};

/// All that it passed to this process, which owns them from now on; empty when it passed none. Once
/// is enough. Throws Error(source_unreachable) when they cannot be taken.
std::vector<SystemdSocket> take_systemd_sockets();

}  // namespace luksdetached
