// Keeps what comes by the thousand, such as failures when a payload's server is lost, from flooding
// the log.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

namespace luksdetached {

/// Lets some messages in ten seconds through. Thread-safe.
class LogLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// `most` messages in ten seconds, at least 1; the ten seconds begin with the first of them.
  explicit LogLimit(unsigned most = 1) : most_(most) {}

  /// Nothing when a message at `now` is to be dropped; else how many were since the last one that
  /// was let through.
  std::optional<unsigned long> admit(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!first_ || now - *first_ >= interval) {
      first_ = now;
      admitted_ = 0;
    }
    if (admitted_ == most_) {
      ++dropped_;
      return std::nullopt;
    }
    ++admitted_;
    return std::exchange(dropped_, 0);
  }

 private:
  static constexpr std::chrono::seconds interval{10};

  unsigned most_;
  std::mutex mutex_;
  std::optional<Clock::time_point> first_;
  unsigned admitted_ = 0;  // since the first one
  unsigned long dropped_ = 0;
};

}  // namespace luksdetached
