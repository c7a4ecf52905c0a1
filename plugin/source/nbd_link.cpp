#include "source/nbd_link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/signals.h"

namespace luksdetached {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Between attempts to connect: doubled each time.
constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{2000};

// A server that hangs up soon each time, as on a request that it does not like, is not connected to
// more often than this.
constexpr milliseconds soon{5000};
constexpr milliseconds longest_rest{400};

// A server that was lost may still carry out what it was asked to before; NBD has no way to ask. By
// then it should have.
constexpr milliseconds settling_time{2000};

constexpr milliseconds least_connect_time{5000};

// An error over connections that were trusted not longer ago than this is the source's own.
constexpr seconds fresh{2};

// For what was begun before the end was asked for.
constexpr milliseconds end_patience{5000};

std::string seconds_text(NbdLink::Clock::duration time) {
  const auto tenths = std::chrono::duration_cast<milliseconds>(time).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " seconds";
}

}  // namespace

NbdLink::NbdLink(std::unique_ptr<NbdConnector> connector, NbdLinkOptions options)
    : connector_(std::move(connector)),
      options_(std::move(options)),
      lanes_(std::make_shared<NbdLanes>(*connector_, options_.connections, options_.deadlines)) {
  original_ = lanes_->exported();
  original_limits_ = lanes_->limits();
  size_ = original_limits_.size;
}

NbdLink::~NbdLink() {
  if (!keeper_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  stop_now_.happen();
  keeper_.join();
}

milliseconds NbdLink::answer_limit() const noexcept {
  return options_.patience.count() == 0 ? NbdLinkOptions{}.patience : options_.patience;
}

std::shared_ptr<NbdLanes> NbdLink::lanes(Use use, Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (!started_) return lanes_;
  for (;;) {
    const auto now = Clock::now();
    if (now >= ends_at_.load()) {
      throw Error(ErrorKind::io,
                  "cannot use " + name() + ": the server or the connection is ending", ESHUTDOWN);
    }
    const bool settling = use == Use::changes && now < settled_at_;
    if (lanes_ && !settling) return lanes_;
    const auto until =
        settling && lanes_ ? settled_at_ : std::min(deadline, away_since_ + options_.patience);
    if (!lanes_ && now >= until) {
      throw Error(ErrorKind::io,
                  "cannot use " + name() + ": its server has been away for " +
                      seconds_text(now - away_since_) +
                      (away_reason_.empty() ? "" : " (" + away_reason_ + ")") +
                      "; it is used again as soon as it is back",
                  EIO);
    }
    if (ends_at_.load() != Clock::time_point::max() && !lanes_) {
      throw Error(ErrorKind::io,
                  "cannot use " + name() + ": its server is away, and this one is ending",
                  ESHUTDOWN);
    }
    changed_.wait_until(lock, std::min(until, ends_at_.load()));
  }
}

std::uint64_t NbdLink::size() const {
  const std::scoped_lock lock(mutex_);
  return size_;
}

void NbdLink::start() {
  const NoSignals in_thread;
  connector_->start();
  const bool use_first = !connector_->renews_server();
  if (use_first) {
    lanes_->start([this] { note_loss(); });
  } else {
    // The process that we come from may go on, with copies of the sockets, for which that server
    // would wait: as with nbdkit's --run.
    lanes_->give_up();
  }
  const std::scoped_lock lock(mutex_);
  // A server of our own belongs to the thread that started it.
  if (!use_first) {
    lanes_.reset();
    away_since_ = Clock::now() + options_.deadlines.connect;  // it is not late before that
    lost_ = true;
  }
  started_ = true;
  try {
    keeper_ = std::thread(&NbdLink::keep_connected, this);
  } catch (const std::system_error&) {
    throw Error(ErrorKind::source_unreachable,
                "cannot start the thread that keeps connections to " + name());
  }
}

void NbdLink::note_loss() {
  {
    const std::scoped_lock lock(mutex_);
    lost_ = true;
  }
  changed_.notify_all();
}

// With the lock held.
void NbdLink::drop_lanes() {
  dropped_ = std::exchange(lanes_, nullptr);
  dropped_->dropped = true;
  ++losses_;
  note_unflushed(*dropped_);
  away_since_ = Clock::now();
  away_reason_ = dropped_->loss_reason();
  lost_ = true;
}

void NbdLink::drop(const std::shared_ptr<NbdLanes>& lost) {
  {
    const std::scoped_lock lock(mutex_);
    if (lanes_ != lost) return;
    drop_lanes();
  }
  changed_.notify_all();
}

bool NbdLink::may_be_a_loss(const Error& error) const noexcept {
  return started_ && connector_->opens_anew() && error.errno_code() == EIO;
}

bool NbdLink::drop_for(const Error& error, const std::shared_ptr<NbdLanes>& lanes, bool again) {
  if (!may_be_a_loss(error)) return false;
  const auto now = Clock::now();
  if (again) lanes->trusted_at = now;
  if (now - lanes->trusted_at.load() < fresh) return false;
  drop(lanes);  // unless another request has
  return true;
}

void NbdLink::note_unflushed(const NbdLanes& lanes) {
  if (connector_->gathers_writes() && lanes.changes != lanes.changes_flushed) changes_lost_ = true;
}

void NbdLink::note_change(NbdLanes& lanes) {
  ++lanes.changes;
  // Whoever dropped them may have looked just before.
  if (lanes.dropped) note_unflushed(lanes);
}

void NbdLink::tell_of_lost_changes() {
  if (!changes_lost_.exchange(false)) return;
  throw Error(ErrorKind::io,
              "what was written to " + name() +
                  " since the last flush may be lost: the process that served it has ended",
              EIO);
}

void NbdLink::stop_waiting() {
  {
    const std::scoped_lock lock(mutex_);
    ends_at_ = std::min(ends_at_.load(), Clock::now() + end_patience);
  }
  changed_.notify_all();
}

// False when it was ended by the destructor.
bool NbdLink::sleep(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stop_; });
}

void NbdLink::keep_connected() noexcept {
  std::unique_lock lock(mutex_);
  const auto ending = [this] { return Clock::now() >= ends_at_.load(); };
  milliseconds rest{0};
  auto connected_at = Clock::now() - soon;
  while (!stop_) {
    if (!lost_ && !(ending() && lanes_)) {
      changed_.wait_until(lock, std::min(ends_at_.load(), Clock::now() + std::chrono::hours(1)));
      continue;
    }
    if (lanes_ && (lanes_->lost() || ending())) drop_lanes();
    lost_ = false;
    // A loss may have been told by connections that were given up already.
    if (lanes_) continue;
    std::shared_ptr<NbdLanes> old = std::exchange(dropped_, nullptr);
    const auto since = away_since_;
    const std::string reason = away_reason_;
    lock.unlock();
    if (old) {
      old->give_up();
      if (!ending()) {
        options_.tell("the connection to " + name() + " was lost" +
                      (reason.empty() ? "" : " (" + reason + ")") + "; " + what_requests_do());
      }
    }
    rest = since - connected_at >= soon ? milliseconds(0)
                                        : std::clamp(rest * 2, first_pause, longest_rest);
    std::shared_ptr<NbdLanes> found;
    if (!ending() && (!old || sleep(rest))) found = connect_again();
    // What still uses the old ones has not said yet that it failed. Also a server of our own that
    // has ended may have passed it on to another machine.
    const bool must_settle = old && (old.use_count() > 1 || old->change_is_open);
    if (found && old) {
      ++reconnects_;
      options_.tell(name() + " is connected again after " + seconds_text(Clock::now() - since));
    }
    old.reset();  // its threads may be about to say that it was lost
    lock.lock();
    if (must_settle) settled_at_ = since + settling_time;
    if (found) {
      connected_at = Clock::now();
      lanes_ = found;
      size_ = found->limits().size;
      if (found->lost()) lost_ = true;  // before there was anybody to hear of it
      changed_.notify_all();
    }
    if (!found && ending()) break;
  }
  // A server of our own would be killed when this thread ends, which is its parent.
  std::shared_ptr<NbdLanes> last = std::exchange(lanes_, nullptr);
  lock.unlock();
  last.reset();
  connector_->end();
}

std::string NbdLink::what_requests_do() const {
  if (options_.patience == milliseconds(0)) return "requests fail until its server is back";
  return "requests wait for its server for at most " +
         std::to_string(options_.patience.count() / 1000) + " seconds";
}

// Null when the link ends meanwhile.
std::shared_ptr<NbdLanes> NbdLink::connect_again() {
  NbdDeadlines deadlines = options_.deadlines;
  deadlines.cancel = &stop_now_;
  // A server that is silent now may be another one soon.
  deadlines.connect = std::min(deadlines.connect, std::max(options_.patience, least_connect_time));
  std::string told;
  for (milliseconds pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    std::string reason;
    try {
      auto lanes = std::make_shared<NbdLanes>(*connector_, options_.connections, deadlines);
      refuse_lesser(*lanes);
      lanes->start([this] { note_loss(); });
      return lanes;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    {
      const std::scoped_lock lock(mutex_);
      if (stop_ || Clock::now() >= ends_at_.load()) return nullptr;
      away_reason_ = reason;
    }
    if (reason != told) options_.tell(told = reason);
    if (!sleep(pause)) return nullptr;
  }
}

void NbdLink::refuse_lesser(const NbdLanes& lanes) const {
  const NbdExport& now = lanes.exported();
  const auto refuse = [this](const std::string& what) {
    throw Error(ErrorKind::source_unreachable,
                "cannot use " + name() + ": its server came back " + what);
  };
  if (lanes.limits().size < original_limits_.size) {
    refuse("with " + std::to_string(lanes.limits().size) + " bytes instead of " +
           std::to_string(original_limits_.size));
  }
  if (lanes.limits().block_size > original_limits_.block_size) {
    refuse("with a minimum block of " + std::to_string(lanes.limits().block_size) +
           " bytes instead of " + std::to_string(original_limits_.block_size));
  }
  if (now.read_only && !original_.read_only) refuse("read-only");
  constexpr std::array<std::pair<bool NbdExport::*, std::string_view>, 3> abilities = {{
      {&NbdExport::can_flush, "flush"},
      {&NbdExport::can_fua, "FUA"},
      {&NbdExport::can_trim, "trim"},
  }};
  for (const auto& [ability, word] : abilities) {
    if (original_.*ability && !(now.*ability)) refuse("without " + std::string(word));
  }
}

}  // namespace luksdetached
