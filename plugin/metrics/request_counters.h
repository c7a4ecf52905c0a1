// What clients have asked one export for: how often, how much, how long it took.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luksdetached {

enum class Operation { read, write, zero, trim, flush, cache, extents };

inline constexpr std::array all_operations = {Operation::read,   Operation::write, Operation::zero,
                                              Operation::trim,   Operation::flush, Operation::cache,
                                              Operation::extents};

/// The word for an operation in metrics and reports: "read", "write", …
std::string_view operation_word(Operation operation) noexcept;

/// Has it an amount of bytes that says something?
constexpr bool has_bytes(Operation operation) noexcept {
  return operation != Operation::flush && operation != Operation::extents;
}

/// The upper bounds of the histogram of durations. Longer ones have a bucket of their own.
inline constexpr std::array<std::chrono::microseconds, 17> duration_bounds = [] {
  using std::chrono::microseconds;
  return std::array{microseconds(50),        microseconds(100),       microseconds(250),
                    microseconds(500),       microseconds(1'000),     microseconds(2'500),
                    microseconds(5'000),     microseconds(10'000),    microseconds(25'000),
                    microseconds(50'000),    microseconds(100'000),   microseconds(250'000),
                    microseconds(500'000),   microseconds(1'000'000), microseconds(2'500'000),
                    microseconds(5'000'000), microseconds(10'000'000)};
}();

/// A copy of what was counted for one operation.
struct OperationCount {
  std::uint64_t requests = 0;            ///< that have ended, with or without success
  std::uint64_t errors = 0;              ///< of those: that failed
  std::uint64_t bytes = 0;               ///< of those that succeeded
  std::chrono::nanoseconds duration{0};  ///< of all together
  /// How many took as long as each of `duration_bounds` or less, but longer than the one before;
  /// the last is for those that took longer than all.
  std::array<std::uint64_t, duration_bounds.size() + 1> by_duration{};
};

/// Counts for one export. Any thread may add and look at any time; it takes no lock.
class RequestCounters {
 public:
  /// Adds a request that has ended; `bytes` counts only if it has not failed.
  void add(Operation operation, std::uint64_t bytes, std::chrono::nanoseconds duration,
           bool failed) noexcept;

  /// Numbers that were added meanwhile may be missing from some of it.
  OperationCount count(Operation operation) const noexcept;

 private:
  using Counter = std::atomic<std::uint64_t>;

  // In cache lines of its own: readers do not slow writers down.
  struct alignas(64) Counts {
    Counter bytes = 0;
    Counter nanoseconds = 0;
    Counter errors = 0;
    std::array<Counter, duration_bounds.size() + 1> by_duration{};
  };

  std::array<Counts, all_operations.size()> counts_;
};

/// One request, from when this is made to its end. It has failed unless `succeed()` was called.
class CountedRequest {
 public:
  CountedRequest(RequestCounters& counters, Operation operation, std::uint64_t bytes) noexcept
      : counters_(counters), operation_(operation), bytes_(bytes) {}
  CountedRequest(const CountedRequest&) = delete;
  CountedRequest& operator=(const CountedRequest&) = delete;
  ~CountedRequest() { counters_.add(operation_, bytes_, Clock::now() - start_, failed_); }

  void succeed() noexcept { failed_ = false; }

 private:
  using Clock = std::chrono::steady_clock;

  RequestCounters& counters_;
  Operation operation_;
  std::uint64_t bytes_;
  Clock::time_point start_ = Clock::now();
  bool failed_ = true;
};

}  // namespace luksdetached
