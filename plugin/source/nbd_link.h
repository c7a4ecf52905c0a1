// Keeps connections to an NBD server that may go away and come back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/event.h"
#include "source/nbd_connector.h"
#include "source/nbd_lanes.h"

namespace luksdetached {

/// What is to be known about storage while it is used, one sentence at a time, for a log.
using TellNews = std::function<void(const std::string& text)>;

struct NbdLinkOptions {
  unsigned connections = 1;  ///< at most
  NbdDeadlines deadlines{};  ///< of one attempt to connect
  /// How long requests wait for a server that went away; unless 0 also for each answer.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  TellNews tell = [](const std::string&) {};
};

/// The connections to one server: those of now, or none while the server is away.
///
/// After `start()` a thread makes them anew whenever one was lost, for as long as it takes. A
/// server that comes back with less than it had at first is refused like one that is away.
class NbdLink {
 public:
  using Clock = std::chrono::steady_clock;

  /// What a request does to the export.
  enum class Use { reads, changes };

  /// Connects. Throws as NbdLanes does.
  NbdLink(std::unique_ptr<NbdConnector> connector, NbdLinkOptions options);
  NbdLink(const NbdLink&) = delete;
  NbdLink& operator=(const NbdLink&) = delete;
  ~NbdLink();

  const std::string& name() const noexcept { return connector_->name(); }
  /// How long a request waits for its answer.
  std::chrono::milliseconds answer_limit() const noexcept;

  /// The connections that the link was made with. Before `start()`.
  const NbdLanes& first() const noexcept { return *lanes_; }

  /// Is there a thread that connects again?
  bool started() const noexcept { return started_; }

  /// The connections for a request, which waits for them while the server is away, for `patience`
  /// after the loss, but not longer than `deadline`. A request that changes something also waits
  /// until what is open after a loss is settled. Throws Error(io) with EIO, or ESHUTDOWN after
  /// `stop_waiting`.
  std::shared_ptr<NbdLanes> lanes(Use use, Clock::time_point deadline);

  /// A request found that they are lost: nobody gets them any more.
  void drop(const std::shared_ptr<NbdLanes>& lost);

  /// May this error be the loss of a connection behind the server? What the request was to do may
  /// then still be done later.
  bool may_be_a_loss(const Error& error) const noexcept;

  /// May this error, which a request over `lanes` got, be one of these connections alone? Then they
  /// are dropped, and it is worth another try over others. `again`: it was tried over others
  /// before, so that the error is believed, and further ones over `lanes` are for a while.
  bool drop_for(const Error& error, const std::shared_ptr<NbdLanes>& lanes, bool again);

  /// The server acknowledged a change that it may not have on stable storage yet.
  void note_change(NbdLanes& lanes);

  /// Throws Error(io) with EIO when a server of our own ended that may have had acknowledged
  /// changes in its memory alone: once for each such end, to whoever asks first. To be asked after
  /// a flush.
  void tell_of_lost_changes();

  /// How many times connections were given up so far. The server may have lost then what it had not
  /// flushed. Counted before there are new ones.
  std::uint64_t losses() const noexcept { return losses_; }

  /// How many times there were new connections after a loss so far.
  std::uint64_t reconnects() const noexcept { return reconnects_; }

  /// Bytes, as the server said last.
  std::uint64_t size() const;

  /// Once, in the process that serves.
  void start();

  /// From now on no request waits for a server that is away, and after a few seconds for none.
  void stop_waiting();

 private:
  void keep_connected() noexcept;
  std::string what_requests_do() const;
  std::shared_ptr<NbdLanes> connect_again();
  void refuse_lesser(const NbdLanes& lanes) const;
  bool sleep(std::chrono::milliseconds time);
  void note_loss();
  void note_unflushed(const NbdLanes& lanes);
  void drop_lanes();

  std::unique_ptr<NbdConnector> connector_;
  NbdLinkOptions options_;
  NbdExport original_;
  NbdLimits original_limits_;
  Event stop_now_;  // ends an attempt to connect

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::shared_ptr<NbdLanes> lanes_;    // null while the server is away
  std::shared_ptr<NbdLanes> dropped_;  // what the keeper has to give up
  bool lost_ = false;                  // there may be a loss to look at
  bool stop_ = false;
  std::string away_reason_;
  Clock::time_point away_since_{};
  Clock::time_point settled_at_{};
  std::uint64_t size_ = 0;

  std::atomic<bool> changes_lost_ = false;
  std::atomic<std::uint64_t> losses_ = 0;
  std::atomic<std::uint64_t> reconnects_ = 0;
  std::atomic<bool> started_ = false;
  std::atomic<Clock::time_point> ends_at_ = Clock::time_point::max();  // set by stop_waiting
  std::thread keeper_;
};

}  // namespace luksdetached
