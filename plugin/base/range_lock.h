// Keeps read-modify-write of a sector apart from everything else that touches the sector.
#pragma once

#include <pthread.h>

#include <array>
#include <cstdint>

namespace luksdetached {

/// Shared and exclusive locks on ranges of bytes.
///
/// The bytes are divided into regions of 1 MiB which share 64 locks, so that holders of different
/// regions rarely meet and shared holders never wait for each other. A waiting exclusive holder
/// goes before new shared ones, so it cannot starve.
class RangeLock {
 public:
  RangeLock();
  RangeLock(const RangeLock&) = delete;
  RangeLock& operator=(const RangeLock&) = delete;
  ~RangeLock();

  enum class Mode { shared, exclusive };

  /// Holds the range [begin, end) until it goes out of scope. A thread may hold one at a time.
  class Guard {
   public:
    Guard(RangeLock& lock, std::uint64_t begin, std::uint64_t end, Mode mode);
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard();

   private:
    RangeLock& lock_;
    std::uint64_t stripes_;  // one bit for each lock held
  };

 private:
  static constexpr unsigned stripe_count = 64;
  struct alignas(64) Stripe {
    pthread_rwlock_t rwlock;
  };
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace luksdetached
