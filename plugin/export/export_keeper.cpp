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
  woken_.happen();
  if (thread_.joinable()) thread_.join();
}

void ExportKeeper::start() {
  std::packaged_task<void()> keeping([this] { keep(); });
  done_ = keeping.get_future();
  const NoSignals in_thread;
  thread_ = std::thread(std::move(keeping));
}

void ExportKeeper::reload() noexcept {
  reload_asked_ = true;
  woken_.happen();
}

ReloadStatus ExportKeeper::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool ExportKeeper::stop(std::chrono::milliseconds patience) {
  stopping_ = true;
  woken_.happen();
  if (!thread_.joinable()) return true;
  if (done_.wait_for(patience) != std::future_status::ready) return false;
  thread_.join();
  return true;
}

void ExportKeeper::keep() {
  using Clock = ExportRegistry::Clock;
  while (!stopping_) {
    woken_.forget();
    if (reload_asked_.exchange(false)) follow();
    const auto next = exports_.open_due(events_, [this] { return is_interrupted(); });
    if (is_interrupted()) continue;
    std::int64_t wait = -1;
    if (next) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
      wait = std::clamp<std::int64_t>(left.count(), 0, INT32_MAX);
    }
    pollfd woken = {woken_.descriptor(), POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(wait));
  }
}

void ExportKeeper::follow() {
  std::string error;
  events_.reload_begins();
  try {
    exports_.follow(reread_(), events_);
  } catch (const std::exception& mistake) {
    error = mistake.what();
    events_.not_followed(error);
  }
  {
    const std::lock_guard lock(mutex_);
    ++status_.reloads;
    if (!error.empty()) ++status_.failures;
    status_.error = std::move(error);
    status_.last = std::chrono::system_clock::now();
  }
  events_.reload_ended();
}

}  // namespace luksdetached
