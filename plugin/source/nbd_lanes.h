// Connections to one NBD export that are made together and given up together.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/nbd_connection.h"
#include "source/nbd_connector.h"

namespace luksdetached {

/// What requests to an export must keep to.
struct NbdLimits {
  std::uint32_t block_size = 1;         ///< bytes, a power of two; of offsets and lengths
  std::uint64_t size = 0;               ///< bytes, a multiple of block_size
  std::uint64_t unreachable_bytes = 0;  ///< behind `size`: less than a block
  std::size_t max_request = 0;          ///< bytes, a multiple of block_size
};

/// One connection to a server, or several where it says that a flush on one covers all
/// (multi-conn).
///
/// When one of them is lost all are given up: what becomes of the requests that it had is open, and
/// must be settled before others take their place.
class NbdLanes {
 public:
  /// Connects; at most `most` (at least 1) times, and only once to a server that does not offer
  /// multi-conn. Servers limit how many clients they serve: what a further connection is not given
  /// within a few seconds is done without.
  ///
  /// Throws as NbdConnector::connect does, and Error(source_unreachable) when what the server says
  /// of its export is impossible or differs between connections.
  NbdLanes(NbdConnector& connector, unsigned most, const NbdDeadlines& deadlines);

  const NbdExport& exported() const noexcept { return export_; }
  const NbdLimits& limits() const noexcept { return limits_; }
  std::size_t count() const noexcept { return lanes_.size(); }

  /// As NbdConnection::start, for all. `on_loss` is called, from any of their threads, when one was
  /// lost.
  void start(const std::function<void()>& on_loss);

  /// Is one of them lost?
  bool lost() const noexcept;
  /// Why the first one was lost, or nothing.
  std::string loss_reason() const;

  /// Makes requests in flight and all later ones fail at once.
  void give_up() noexcept;

  /// Set when it is open whether a request that changes something was carried out.
  std::atomic<bool> change_is_open = false;

  /// Set when no further request gets them.
  std::atomic<bool> dropped = false;

  /// How many changes the server acknowledged that it may not have on stable storage yet, and how
  /// many of them it has since.
  std::atomic<std::uint64_t> changes = 0, changes_flushed = 0;

  /// When they were made, or an error over them was found to be none of theirs.
  std::atomic<std::chrono::steady_clock::time_point> trusted_at = std::chrono::steady_clock::now();

  /// One request's use of the least busy connection.
  class Turn;

 private:
  struct Lane {
    explicit Lane(std::unique_ptr<NbdConnection> made) : connection(std::move(made)) {}
    std::unique_ptr<NbdConnection> connection;
    std::atomic<unsigned> busy = 0;  // requests in flight
  };

  NbdExport export_;  // what the first connection was told, and every further one
  NbdLimits limits_;
  std::atomic<unsigned> next_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

/// Takes the connection with the fewest requests, the first ones in turn among equals.
class NbdLanes::Turn {
 public:
  explicit Turn(NbdLanes& lanes);
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { --lane_.busy; }
  NbdConnection* operator->() { return lane_.connection.get(); }

 private:
  Lane& lane_;
};

}  // namespace luksdetached
