#include "server/copy/zeros.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../source/testing.h"

namespace luksdetached::copy {
namespace {

using testing::Bytes;
using Runs = std::vector<Run>;  // gtest has a Run of its own

TEST(Zeros, OneByteThatIsNotMakesAll) {
  EXPECT_TRUE(is_zero({}));
  for (const std::size_t size : {1U, 2U, 7U, 512U, 4097U}) {
    Bytes bytes(size);
    EXPECT_TRUE(is_zero(bytes)) << size;
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      bytes[at] = std::byte{1};
      EXPECT_FALSE(is_zero(bytes)) << at << " of " << size;
      bytes[at] = std::byte{0};
    }
  }
}

TEST(Zeros, RunsAreWhatIsLeft) {
  Bytes bytes(10 * 512 + 100);
  EXPECT_EQ(data_runs(bytes, 512), Runs{});
  bytes[0] = std::byte{1};
  bytes[3 * 512 - 1] = std::byte{1};
  bytes[3 * 512] = std::byte{1};
  bytes.back() = std::byte{1};
  EXPECT_EQ(data_runs(bytes, 512), (Runs{{0, 512}, {2 * 512, 2 * 512}, {5120, 100}}));
}

TEST(Zeros, WhatHasNoneIsOneRun) {
  const Bytes bytes(2000, std::byte{7});
  EXPECT_EQ(data_runs(bytes, 512), (Runs{{0, 2000}}));
}

TEST(Zeros, AForeignBlockIsNeitherZeroNorTheOther) {
  const Bytes other = testing::pattern(2000);
  Bytes bytes = other;
  EXPECT_EQ(find_foreign_block(bytes, other), std::nullopt);
  std::fill_n(bytes.begin() + 512, 512, std::byte{0});
  EXPECT_EQ(find_foreign_block(bytes, other), std::nullopt);
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(find_foreign_block(bytes, other), 1536U);
  bytes[600] = std::byte{1};
  EXPECT_EQ(find_foreign_block(bytes, other), 512U);
}

}  // namespace
}  // namespace luksdetached::copy
