#include "metrics/request_counters.h"

#include <algorithm>

namespace luksdetached {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

std::string_view operation_word(Operation operation) noexcept {
  switch (operation) {
    case Operation::read:
      return "read";
    case Operation::write:
      return "write";
    case Operation::zero:
      return "zero";
    case Operation::trim:
      return "trim";
    case Operation::flush:
      return "flush";
    case Operation::cache:
      return "cache";
    case Operation::extents:
      return "extents";
  }
  return {};
}

void RequestCounters::add(Operation operation, std::uint64_t bytes,
                          std::chrono::nanoseconds duration, bool failed) noexcept {
  Counts& counts = counts_[static_cast<std::size_t>(operation)];
  const auto* const bound = std::ranges::lower_bound(duration_bounds, duration);
  const auto bucket = static_cast<std::size_t>(bound - duration_bounds.begin());
  counts.by_duration[bucket].fetch_add(1, relaxed);
  counts.nanoseconds.fetch_add(static_cast<std::uint64_t>(duration.count()), relaxed);
  if (failed) {
    counts.errors.fetch_add(1, relaxed);
  } else {
    counts.bytes.fetch_add(bytes, relaxed);
  }
}

OperationCount RequestCounters::count(Operation operation) const noexcept {
  const Counts& counts = counts_[static_cast<std::size_t>(operation)];
  OperationCount count;
  count.errors = counts.errors.load(relaxed);
  count.bytes = counts.bytes.load(relaxed);
  count.duration =
      std::chrono::nanoseconds(static_cast<std::int64_t>(counts.nanoseconds.load(relaxed)));
  for (std::size_t n = 0; n < count.by_duration.size(); ++n) {
    count.by_duration[n] = counts.by_duration[n].load(relaxed);
    count.requests += count.by_duration[n];
  }
  return count;
}

}  // namespace luksdetached
