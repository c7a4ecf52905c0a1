// One line in the log for each time somebody gets at a volume, or does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "export/unlock_facts.h"
#include "log/log.h"
#include "log/log_limit.h"
#include "peer.h"

namespace luksdetached {

/// Thread-safe.
class Audit {
 public:
  /// `log` must outlive it.
  explicit Audit(const Log& log) : log_(log) {}

  void unlocked(std::string_view name, const UnlockFacts& facts);
  /// `detail` says whether its key is gone with it.
  void removed(std::string_view name, std::string_view detail);

  /// A client has connected. Not more than some in ten seconds are written, as of refusals.
  void connected(const Peer& peer);

  /// A client was refused the export that it called `name`, or without a name the list of exports.
  /// Not more than some in ten seconds are written; the next one says how many were not.
  void refused(std::optional<std::string_view> name, const Peer& peer, std::string_view reason);

  /// The service ends: nbdkit closes no export that a client has open, so each gets its line now.
  void end();

  /// An export that a client has open: one line when it begins, one when it ends.
  class Opened {
   public:
    Opened(Audit& audit, std::string name, Peer peer, bool read_only);
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened();

   private:
    friend class Audit;
    AuditLine line(std::string_view event) const;
    void close() const;

    Audit& audit_;
    std::string name_;
    Peer peer_;
    std::uint64_t number_ = 0;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  };

 private:
  static constexpr unsigned most_refusals = 20;
  static constexpr unsigned most_connections = 100;

  const Log& log_;
  LogLimit refusals_{most_refusals};
  LogLimit connects_{most_connections};
  std::mutex mutex_;  // guards what follows
  std::uint64_t connections_ = 0;
  std::set<const Opened*> open_;
};

}  // namespace luksdetached
