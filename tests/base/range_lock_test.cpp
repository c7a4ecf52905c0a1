#include "base/range_lock.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <thread>
#include <vector>

namespace luksdetached {
namespace {

using std::chrono::milliseconds;
using Mode = RangeLock::Mode;

constexpr std::uint64_t mib = 1 << 20;
// Long enough to notice that somebody did not wait, short enough to have many of them.
constexpr milliseconds a_while{30};
constexpr std::chrono::seconds for_ever{20};

// A thread that takes a range and holds it until it is told to let go.
class Holder {
 public:
  Holder(RangeLock& lock, std::uint64_t begin, std::uint64_t end, Mode mode)
      : thread_([this, &lock, begin, end, mode] {
          const RangeLock::Guard guard(lock, begin, end, mode);
          got_.set_value();
          release_.get_future().wait();
        }) {}
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { release(); }

  bool has_it(std::chrono::milliseconds within) {
    if (!has_it_) has_it_ = future_.wait_for(within) == std::future_status::ready;
    return has_it_;
  }
  void release() {
    if (!thread_.joinable()) return;
    release_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> got_, release_;
  std::future<void> future_ = got_.get_future();
  bool has_it_ = false;
  std::thread thread_;  // the last: it uses the others
};

struct Range {
  std::uint64_t begin, end;
  Mode mode;
};

// Does the second range still wait for the first after `patience`?
bool waits(const Range& range, const Range& other, milliseconds patience) {
  RangeLock lock;
  Holder first(lock, range.begin, range.end, range.mode);
  EXPECT_TRUE(first.has_it(for_ever));
  Holder second(lock, other.begin, other.end, other.mode);
  const bool waited = !second.has_it(patience);
  first.release();
  EXPECT_TRUE(second.has_it(for_ever)) << "it waits although nobody holds the range";
  return waited;
}

bool excludes(const Range& range, const Range& other) {
  return waits(range, other, a_while);
}
// A thread may begin late on a busy machine.
bool goes_with(const Range& range, const Range& other) {
  return !waits(range, other, for_ever);
}

TEST(RangeLockTest, ExclusiveKeepsOutEveryoneElseInTheSameMebibyte) {
  EXPECT_TRUE(excludes({0, 512, Mode::exclusive}, {0, 512, Mode::exclusive}));
  EXPECT_TRUE(excludes({0, 512, Mode::exclusive}, {256, 300, Mode::shared}));
  EXPECT_TRUE(excludes({0, 512, Mode::shared}, {0, 512, Mode::exclusive}));
}

TEST(RangeLockTest, SharedHoldersDoNotExcludeEachOther) {
  EXPECT_TRUE(goes_with({0, 4096, Mode::shared}, {0, 4096, Mode::shared}));
}

TEST(RangeLockTest, RangesFarApartDoNotMeet) {
  EXPECT_TRUE(goes_with({0, 512, Mode::exclusive}, {10 * mib, 10 * mib + 512, Mode::exclusive}));
}

TEST(RangeLockTest, ARangeEndsBeforeItsEnd) {
  EXPECT_TRUE(goes_with({0, mib, Mode::exclusive}, {mib, 2 * mib, Mode::exclusive}));
}

TEST(RangeLockTest, RangesThatMeetOnlyInTheirLastByteExcludeEachOther) {
  EXPECT_TRUE(excludes({0, 3 * mib + 1, Mode::exclusive}, {3 * mib, 4 * mib, Mode::shared}));
}

TEST(RangeLockTest, ARangeAcrossTheWrapOfItsLocksKeepsBothSides) {
  EXPECT_TRUE(excludes({63 * mib, 65 * mib, Mode::exclusive}, {63 * mib, 64 * mib, Mode::shared}));
  EXPECT_TRUE(excludes({63 * mib, 65 * mib, Mode::exclusive}, {64 * mib, 65 * mib, Mode::shared}));
  EXPECT_TRUE(goes_with({63 * mib, 65 * mib, Mode::exclusive}, {66 * mib, 67 * mib, Mode::shared}));
}

TEST(RangeLockTest, ARangeOf64MebibytesAndMoreKeepsAllOfIt) {
  for (const std::uint64_t end : {63 * mib, 64 * mib, 65 * mib, 100 * mib}) {
    for (const std::uint64_t at : {0 * mib, 40 * mib, end - 1}) {
      EXPECT_TRUE(excludes({0, end, Mode::exclusive}, {at, at + 1, Mode::shared}))
          << end << " " << at;
    }
  }
}

TEST(RangeLockTest, WorksAtTheEndOfTheNumbers) {
  EXPECT_TRUE(excludes({UINT64_MAX - 512, UINT64_MAX, Mode::exclusive},
                       {UINT64_MAX - 1, UINT64_MAX, Mode::shared}));
}

TEST(RangeLockTest, AnEmptyRangeHoldsNothingAndWaitsForNobody) {
  EXPECT_TRUE(goes_with({512, 512, Mode::exclusive}, {0, mib, Mode::exclusive}));
  EXPECT_TRUE(goes_with({0, mib, Mode::exclusive}, {512, 512, Mode::exclusive}));
}

// Four readers that come back at once leave hardly ever a gap: a writer that had to wait for one
// would not get in.
TEST(RangeLockTest, AWaitingWriterIsNotStarvedByReaders) {
  RangeLock lock;
  std::atomic<bool> stop{false};
  std::atomic<int> started{0};
  std::vector<std::thread> readers;
  for (int n = 0; n < 4; ++n) {
    readers.emplace_back([&] {
      while (!stop) {
        const RangeLock::Guard guard(lock, 0, mib, Mode::shared);
        ++started;
        std::this_thread::sleep_for(milliseconds(2));
      }
    });
  }
  while (started < 8) std::this_thread::yield();
  {
    Holder writer(lock, 0, mib, Mode::exclusive);
    EXPECT_TRUE(writer.has_it(std::chrono::seconds(5)));
    stop = true;
  }
  for (std::thread& reader : readers) reader.join();
}

// Ranges that overlap in every order, some across the wrap: this ends only if all take their locks
// in one order, and the counters are right only if exclusive means it.
TEST(RangeLockTest, OverlappingWritersNeitherBlockForEverNorMeet) {
  RangeLock lock;
  std::array<int, 8> counters{};  // one for each MiB from 60 on; guarded by `lock`
  constexpr int rounds = 300;
  std::vector<std::thread> writers;
  for (unsigned id = 0; id < 4; ++id) {
    writers.emplace_back([&, id] {
      for (unsigned round = 0; round < rounds; ++round) {
        const unsigned first = (round * 3 + id) % 7;
        const RangeLock::Guard guard(lock, (60 + first) * mib, (62 + first) * mib, Mode::exclusive);
        ++counters[first];
        ++counters[first + 1];
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  int sum = 0;
  for (const int counter : counters) sum += counter;
  EXPECT_EQ(sum, 4 * rounds * 2);
}

}  // namespace
}  // namespace luksdetached
