#include "volume/sync_failures.h"

#include <cerrno>

#include "base/error.h"

namespace luksdetached {

// True when the client did not know; of several threads that ask at once one is told.
bool SyncFailures::tell(Witness& client, std::uint64_t count) {
  std::uint64_t seen = client.seen_;
  while (seen < count) {
    if (client.seen_.compare_exchange_weak(seen, count)) return true;
  }
  return false;
}

void SyncFailures::check(Witness& client, const std::string& name) const {
  if (!tell(client, count_)) return;
  throw Error(ErrorKind::io,
              "an earlier flush of " + name +
                  " to its storage failed: what was written before it may be lost",
              EIO);
}

}  // namespace luksdetached
