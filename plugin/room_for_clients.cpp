#include "room_for_clients.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/file_descriptor.h"

namespace luksdetached {

bool has_room_for_clients() noexcept {
  constexpr rlim_t most_for_others = 64;
  rlimit limit{};
  // The lowest that is free: all below are in use.
  const FileDescriptor next(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!next || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  const rlim_t for_others = std::min(most_for_others, limit.rlim_cur / 4);
  return static_cast<rlim_t>(next.get()) + for_others < limit.rlim_cur;
}

}  // namespace luksdetached
