#include "status/timestamp.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

using std::chrono::system_clock;

TEST(Timestamp, IsUtcInWholeSeconds) {
  EXPECT_EQ(timestamp(system_clock::from_time_t(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(timestamp(system_clock::from_time_t(951'827'696) + std::chrono::milliseconds(999)),
            "2000-02-29T12:34:56Z");
}

}  // namespace
}  // namespace luksdetached
