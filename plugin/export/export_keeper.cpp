#include "export/export_keeper.h"

#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/signals.h"

namespace luksdetached {

ExportKeeper::ExportKeeper(ExportRegistry& exports, ExportEvents events, Reread reread)
    : exports_(exports), events_(std::move(events)), reread_(std::move(reread)) {}

ExportKeeper::~ExportKeeper() {
  stopping_ = true;
  opener_woken_.happen();
  follower_woken_.happen();
  if (opener_.joinable()) opener_.join();
  if (follower_.joinable()) follower_.join();
}

void ExportKeeper::start() {
  std::packaged_task<void()> opening([this] { open(); });
  std::packaged_task<void()> following([this] { follow(); });
  opener_done_ = opening.get_future();
  follower_done_ = following.get_future();
  const NoSignals in_threads;
  opener_ = std::thread(std::move(opening));
  follower_ = std::thread(std::move(following));
}

void ExportKeeper::reload() noexcept {
  ++asked_;
  follower_woken_.happen();
}

ReloadStatus ExportKeeper::status() const {
  const std::lock_guard lock(mutex_);
  ReloadStatus status = status_;
  status.asked = asked_;
  return status;
}

bool ExportKeeper::stop(std::chrono::milliseconds patience) {
  stopping_ = true;
  opener_woken_.happen();
  follower_woken_.happen();
  const auto end = std::chrono::steady_clock::now() + patience;
  const auto join = [&](std::thread& thread, const std::future<void>& done) {
    if (!thread.joinable()) return true;
    if (done.wait_until(end) != std::future_status::ready) return false;
    thread.join();
    return true;
  };
  const bool follower_has_ended = join(follower_, follower_done_);
  return join(opener_, opener_done_) && follower_has_ended;
}

void ExportKeeper::open() {
  using Clock = ExportRegistry::Clock;
  while (!stopping_) {
    opener_woken_.forget();
    const auto next = exports_.open_due(events_, [this] { return stopping_.load(); });
    std::int64_t wait = -1;
    if (next) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
      wait = std::clamp<std::int64_t>(left.count(), 0, INT32_MAX);
    }
    if (stopping_) return;
    pollfd woken = {opener_woken_.descriptor(), POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(wait));
  }
}

void ExportKeeper::follow() {
  while (!stopping_) {
    pollfd woken = {follower_woken_.descriptor(), POLLIN, 0};
    ::poll(&woken, 1, -1);
    follower_woken_.forget();
    if (!stopping_ && asked_ != status().answered) follow_once();
  }
}

void ExportKeeper::follow_once() {
  const unsigned long asked = asked_;  // before the config is read
  std::string error;
  try {
    events_.reload_begins();
    exports_.follow(reread_(), events_);
    opener_woken_.happen();
  } catch (const std::exception& mistake) {
    error = mistake.what();
    events_.not_followed(error);
  }
  const bool was_followed = error.empty();
  {
    const std::lock_guard lock(mutex_);
    status_.answered = asked;
    ++status_.reloads;
    if (!was_followed) ++status_.failures;
    status_.error = std::move(error);
    status_.last = std::chrono::system_clock::now();
  }
  events_.reload_ended(was_followed);
}

}  // namespace luksdetached
