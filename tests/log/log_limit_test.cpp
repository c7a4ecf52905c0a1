#include "log/log_limit.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LogLimitTest, LetsTheFirstMessageThrough) {
  LogLimit limit;
  EXPECT_EQ(limit.admit({}), 0u);
}

TEST(LogLimitTest, DropsAndCountsWhatFollowsAtOnce) {
  LogLimit limit;
  const LogLimit::Clock::time_point start{};
  limit.admit(start);
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(limit.admit(start + milliseconds(i)), std::nullopt);
  EXPECT_EQ(limit.admit(start + seconds(10)), 1000u);
  EXPECT_EQ(limit.admit(start + seconds(11)), std::nullopt);
  EXPECT_EQ(limit.admit(start + seconds(21)), 1u);
}

TEST(LogLimitTest, MessagesThatAreRareAllGetThrough) {
  LogLimit limit;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limit.admit(LogLimit::Clock::time_point(seconds(10 * i))), 0u);
  }
}

TEST(LogLimitTest, LetsAsManyThroughAsItIsToldTo) {
  LogLimit limit(3);
  const LogLimit::Clock::time_point start{};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.admit(start + seconds(3 * i)), 0u);
  EXPECT_EQ(limit.admit(start + seconds(9)), std::nullopt);
  EXPECT_EQ(limit.admit(start + seconds(10)), 1u);
  EXPECT_EQ(limit.admit(start + seconds(10)), 0u);
}

}  // namespace
}  // namespace luksdetached
