#include "crypto/argon2_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace luksdetached {
namespace {

Argon2Block random_block(std::mt19937_64& random) {
  Argon2Block block;
  for (std::uint64_t& word : block.words) word = random();
  return block;
}

bool equal(const Argon2Block& a, const Argon2Block& b) {
  return std::ranges::equal(a.words, b.words);
}

const Argon2Kernel& portable() {
  return argon2_kernels[std::size(argon2_kernels) - 1];
}

// That the portable one is right, argon2_test.cpp shows: by known answers and by libargon2.
class Argon2BlockTest : public ::testing::TestWithParam<Argon2Kernel> {
 protected:
  void SetUp() override {
    if (!GetParam().available()) GTEST_SKIP() << "not on this CPU";
  }

  std::mt19937_64 random_{8};
};

TEST_P(Argon2BlockTest, FillsAsThePortableOneDoes) {
  for (int n = 0; n < 1000; ++n) {
    const Argon2Block previous = random_block(random_);
    const Argon2Block reference = random_block(random_);
    for (const Argon2Put put : {Argon2Put::over, Argon2Put::added}) {
      Argon2Block expected = random_block(random_);
      Argon2Block block = expected;
      portable().fill(previous, reference, expected, put);
      GetParam().fill(previous, reference, block, put);
      ASSERT_TRUE(equal(block, expected)) << n;
    }
  }
}

TEST_P(Argon2BlockTest, CarriesThatGoThroughAllOfAWord) {
  Argon2Block zeros{};
  Argon2Block ones;
  std::ranges::fill(ones.words, ~std::uint64_t{0});
  for (const Argon2Block* previous : {&zeros, &ones}) {
    Argon2Block expected;
    Argon2Block block;
    portable().fill(*previous, zeros, expected, Argon2Put::over);
    GetParam().fill(*previous, zeros, block, Argon2Put::over);
    EXPECT_TRUE(equal(block, expected));
  }
}

TEST_P(Argon2BlockTest, TheReferenceMayBeOverwritten) {
  const Argon2Block previous = random_block(random_);
  const Argon2Block reference = random_block(random_);
  for (const Argon2Put put : {Argon2Put::over, Argon2Put::added}) {
    Argon2Block expected = reference;
    Argon2Block block = reference;
    GetParam().fill(previous, reference, expected, put);
    GetParam().fill(previous, block, block, put);
    EXPECT_TRUE(equal(block, expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Argon2BlockTest, ::testing::ValuesIn(argon2_kernels),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

}  // namespace
}  // namespace luksdetached
