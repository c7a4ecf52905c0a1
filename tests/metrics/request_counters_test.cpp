#include "metrics/request_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace luksdetached {
namespace {

using namespace std::chrono_literals;

TEST(RequestCounters, CountOperationsApart) {
  RequestCounters counters;
  counters.add(Operation::read, 4096, 1ms, false);
  counters.add(Operation::read, 512, 2ms, false);
  counters.add(Operation::write, 100, 3ms, false);
  const OperationCount reads = counters.count(Operation::read);
  EXPECT_EQ(reads.requests, 2u);
  EXPECT_EQ(reads.bytes, 4608u);
  EXPECT_EQ(reads.errors, 0u);
  EXPECT_EQ(reads.duration, 3ms);
  EXPECT_EQ(counters.count(Operation::write).requests, 1u);
  EXPECT_EQ(counters.count(Operation::flush).requests, 0u);
}

TEST(RequestCounters, OfOneThatFailedNoBytesCount) {
  RequestCounters counters;
  counters.add(Operation::write, 4096, 1ms, true);
  const OperationCount writes = counters.count(Operation::write);
  EXPECT_EQ(writes.requests, 1u);
  EXPECT_EQ(writes.errors, 1u);
  EXPECT_EQ(writes.bytes, 0u);
  EXPECT_EQ(writes.duration, 1ms);
}

std::size_t bucket_of(std::chrono::nanoseconds duration) {
  RequestCounters counters;
  counters.add(Operation::read, 1, duration, false);
  const auto buckets = counters.count(Operation::read).by_duration;
  EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}), 1u);
  return static_cast<std::size_t>(std::ranges::find(buckets, 1u) - buckets.begin());
}

TEST(RequestCounters, ABoundIsInItsBucket) {
  EXPECT_EQ(bucket_of(0ns), 0u);
  EXPECT_EQ(bucket_of(50us), 0u);
  EXPECT_EQ(bucket_of(50us + 1ns), 1u);
  EXPECT_EQ(bucket_of(10s), duration_bounds.size() - 1);
  EXPECT_EQ(bucket_of(10s + 1ns), duration_bounds.size());
  EXPECT_EQ(bucket_of(24h), duration_bounds.size());
}

TEST(RequestCounters, BoundsGrow) {
  EXPECT_TRUE(std::ranges::is_sorted(duration_bounds));
}

// The cost of an export that nobody uses.
TEST(RequestCounters, AreSmall) {
  EXPECT_LE(sizeof(RequestCounters), 1536u);
}

TEST(RequestCounters, LoseNothingAmongThreads) {
  RequestCounters counters;
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) counters.add(Operation::read, 3, 7ns, i % 2 == 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const OperationCount count = counters.count(Operation::read);
  EXPECT_EQ(count.requests, 40'000u);
  EXPECT_EQ(count.errors, 20'000u);
  EXPECT_EQ(count.bytes, 60'000u);
  EXPECT_EQ(count.duration, 280us);
}

TEST(CountedRequest, HasFailedUnlessItSaysOtherwise) {
  RequestCounters counters;
  { const CountedRequest failed(counters, Operation::trim, 10); }
  EXPECT_EQ(counters.count(Operation::trim).errors, 1u);
  {
    CountedRequest good(counters, Operation::trim, 10);
    good.succeed();
  }
  EXPECT_EQ(counters.count(Operation::trim).errors, 1u);
  EXPECT_EQ(counters.count(Operation::trim).bytes, 10u);
}

TEST(CountedRequest, IsCountedWhenItEnds) {
  RequestCounters counters;
  {
    const CountedRequest request(counters, Operation::read, 1);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(counters.count(Operation::read).requests, 0u);
  }
  EXPECT_GE(counters.count(Operation::read).duration, 20ms);
}

TEST(Operation, EachHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (const Operation operation : all_operations) words.insert(operation_word(operation));
  EXPECT_EQ(words.size(), all_operations.size());
  EXPECT_EQ(words.count(""), 0u);
}

}  // namespace
}  // namespace luksdetached
