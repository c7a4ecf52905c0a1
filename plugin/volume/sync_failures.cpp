#include "volume/sync_failures.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace luksdetached {

SyncFailures::Witness::Witness(const SyncFailures& failures) {
  const std::lock_guard lock(failures.mutex_);
  told_ = failures.failures_;
}

std::uint64_t SyncFailures::begin() {
  const std::lock_guard lock(mutex_);
  running_.push_back(next_ticket_);
  return next_ticket_++;
}

// With the mutex held.
void SyncFailures::end(std::uint64_t ticket) {
  running_.erase(std::find(running_.begin(), running_.end(), ticket));
  ended_.notify_all();
}

void SyncFailures::note_failure(std::uint64_t ticket, Witness& client) {
  const std::lock_guard lock(mutex_);
  client.told_ = ++failures_;
  end(ticket);
}

void SyncFailures::note_success(std::uint64_t ticket, Witness& client, const std::string& name) {
  std::unique_lock lock(mutex_);
  end(ticket);
  // Those that began later did so after this one had ended: whatever they find is not its concern.
  const std::uint64_t later = next_ticket_;
  ended_.wait(lock, [&] {
    return std::none_of(running_.begin(), running_.end(),
                        [&](std::uint64_t other) { return other < later; });
  });
  if (std::exchange(client.told_, failures_) == failures_) return;
  throw Error(ErrorKind::io,
              "an earlier flush of " + name +
                  " to its storage failed: what was written before it may be lost",
              EIO);
}

}  // namespace luksdetached
