// Syncs that failed, so that every client hears of each.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace luksdetached {

/// Counts the failed syncs of one payload.
///
/// Storage reports what it could not keep to one caller only: the kernel once per open file, an NBD
/// server as it likes. All clients share that caller, and bytes of any of them may be lost, so each
/// client that was there has to be told once.
class SyncFailures {
 public:
  /// What one client knows. It may be used by several threads.
  class Witness {
   public:
    /// A client that comes now: what failed before is not its concern.
    explicit Witness(const SyncFailures& failures) : seen_(failures.count_.load()) {}

   private:
    friend class SyncFailures;
    std::atomic<std::uint64_t> seen_;
  };

  /// Runs `sync` for a client, on the storage called `name`. Throws what it throws, after noting
  /// it; Error(io) with EIO when it succeeds but another one has failed that the client was not
  /// told of.
  template <typename Sync>
  void run(Witness& client, const std::string& name, Sync sync) {
    try {
      sync();
    } catch (...) {
      tell(client, ++count_);
      throw;
    }
    check(client, name);
  }

 private:
  static bool tell(Witness& client, std::uint64_t count);
  void check(Witness& client, const std::string& name) const;

  std::atomic<std::uint64_t> count_ = 0;
};

}  // namespace luksdetached
