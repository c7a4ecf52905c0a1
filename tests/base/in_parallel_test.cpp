#include "base/in_parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <latch>
#include <string>
#include <thread>

#include "testing.h"

namespace luksdetached {
namespace {

TEST(InParallelTest, EachPartIsDoneOnce) {
  std::array<std::atomic<int>, 9> times{};
  in_parallel(9, [&](unsigned n) { ++times[n]; });
  for (const auto& one : times) EXPECT_EQ(one, 1);
}

TEST(InParallelTest, AllAreAtWorkAtTheSameTime) {
  std::latch all_there(5);
  in_parallel(5, [&](unsigned) { all_there.arrive_and_wait(); });
}

TEST(InParallelTest, TheCallerDoesItsPart) {
  const auto caller = std::this_thread::get_id();
  std::thread::id first;
  in_parallel(3, [&](unsigned n) {
    if (n == 0) first = std::this_thread::get_id();
  });
  EXPECT_EQ(first, caller);
}

TEST(InParallelTest, NothingIsNoWork) {
  in_parallel(0, [](unsigned) { FAIL(); });
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // which need memory themselves
TEST(InParallelTest, WithoutThreadsTheCallerDoesItAll) {
  const std::string outcome = testing::in_child([]() -> std::string {
    // No room for the stack of another thread.
    const rlimit limit{1, 1};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return "setrlimit failed";
    std::array<char, 5> done{"...."};
    in_parallel(4, [&](unsigned n) { done[n] = 'x'; });
    return done.data();
  });
  EXPECT_EQ(outcome, "xxxx");
}
#endif

}  // namespace
}  // namespace luksdetached
