#include "server/progress_bar.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

std::string line(std::uint64_t done, std::uint64_t all, double seconds, std::size_t width) {
  return progress_line("copied", done, all, std::chrono::duration<double>(seconds), width);
}

TEST(ProgressBar, SaysPercentAmountRateAndTimeLeft) {
  EXPECT_EQ(line(256 * mebibyte, 1024 * mebibyte, 2, 60),
            "copied  25% 256.0 MiB of 1.0 GiB, 128.0 MiB/s, 0:00:06 left");
}

TEST(ProgressBar, HasABarWhereThereIsRoom) {
  EXPECT_EQ(line(512 * mebibyte, 1024 * mebibyte, 1, 78),
            "copied  50% [########........] 512.0 MiB of 1.0 GiB, 512.0 MiB/s, 0:00:01 left");
}

TEST(ProgressBar, IsNeverWiderThanTheTerminal) {
  for (std::size_t width = 0; width < 200; ++width) {
    EXPECT_LE(line(1, 3 * mebibyte, 100000, width).size(), width);
  }
}

TEST(ProgressBar, BeginsAndEnds) {
  EXPECT_EQ(line(0, mebibyte, 0, 50), "copied   0% 0 bytes of 1.0 MiB, 0 bytes/s");
  EXPECT_EQ(line(mebibyte, mebibyte, 1, 60),
            "copied 100% 1.0 MiB of 1.0 MiB, 1.0 MiB/s, 0:00:00 left");
  EXPECT_EQ(line(0, 0, 1, 50), "copied 100% 0 bytes of 0 bytes, 0 bytes/s");
}

}  // namespace
}  // namespace luksdetached
