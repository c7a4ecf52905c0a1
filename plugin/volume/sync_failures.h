// Syncs that failed, so that every client hears of each.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace luksdetached {

/// Knows of the failed syncs of one payload. Thread-safe.
///
/// Storage reports what it could not keep to one caller only: the kernel once per open file, an NBD
/// server as it likes. All clients share that caller, and bytes of any of them may be lost, so each
/// client that was there has to be told once. Of syncs at the same time only one may get the report
/// that concerns them all: one that succeeds waits for the others to say how they fared.
class SyncFailures {
 public:
  /// What one client knows. Several threads may use it.
  class Witness {
   public:
    /// A client that comes now: what failed before is not its concern.
    explicit Witness(const SyncFailures& failures);

   private:
    friend class SyncFailures;
    std::uint64_t told_;  // failures; guarded by the mutex of SyncFailures
  };

  /// Runs `sync` for a client, on the storage called `name`. Throws what it throws, after noting
  /// it; Error(io) with EIO when it succeeds but another one has failed that the client was not
  /// told of.
  template <typename Sync>
  void run(Witness& client, const std::string& name, Sync sync) {
    const std::uint64_t ticket = begin();
    try {
      sync();
    } catch (...) {
      note_failure(ticket, client);
      throw;
    }
    note_success(ticket, client, name);
  }

 private:
  std::uint64_t begin();
  void end(std::uint64_t ticket);
  void note_failure(std::uint64_t ticket, Witness& client);
  void note_success(std::uint64_t ticket, Witness& client, const std::string& name);

  mutable std::mutex mutex_;  // guards all of it
  std::condition_variable ended_;
  std::uint64_t failures_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::vector<std::uint64_t> running_;  // the tickets of syncs that have not ended
};

}  // namespace luksdetached
