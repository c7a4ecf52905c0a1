// Keeps failures that come by the thousand, as when a payload's server is lost, from flooding the
// log.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

namespace luksdetached {

/// Lets one message in ten seconds through. Thread-safe.
class LogLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// Nothing when a message at `now` is to be dropped; else how many were since the last one that
  /// was let through.
  std::optional<unsigned long> admit(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (last_ && now - *last_ < interval) {
      ++dropped_;
      return std::nullopt;
    }
    last_ = now;
    return std::exchange(dropped_, 0);
  }

 private:
  static constexpr std::chrono::seconds interval{10};

  std::mutex mutex_;
  std::optional<Clock::time_point> last_;
  unsigned long dropped_ = 0;
};

}  // namespace luksdetached
