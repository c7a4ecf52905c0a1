#include "server/edit/noise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../base/testing.h"

namespace luksdetached::edit {
namespace {

TEST(NoiseTest, FillsAllOfItAnewEachTime) {
  constexpr std::size_t size = 100000;
  testing::Bytes one(size);
  testing::Bytes other(size);
  fill_with_noise(one);
  fill_with_noise(other);
  EXPECT_NE(one, other);
  for (const testing::Bytes& bytes : {one, other}) {
    // Of 100,000 random bytes 391 are 0; a run of 64 that was left out would be seen.
    EXPECT_LT(std::ranges::count(bytes, std::byte{0}), 600);
    EXPECT_EQ(std::ranges::search_n(bytes, 8, std::byte{0}).begin(), bytes.end());
  }
}

}  // namespace
}  // namespace luksdetached::edit
