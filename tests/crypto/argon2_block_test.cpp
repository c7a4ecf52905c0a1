#include "crypto/argon2_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

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
class KernelTest : public ::testing::Test {
 protected:
  explicit KernelTest(std::string_view name)
      : kernel_(*std::ranges::find(argon2_kernels, name, &Argon2Kernel::name)) {}

  void SetUp() override {
    if (!kernel_.available()) GTEST_SKIP() << "not on this CPU";
  }

  void fills_as_the_portable_one_does() {
    for (int n = 0; n < 1000; ++n) {
      const Argon2Block previous = random_block(random_);
      const Argon2Block reference = random_block(random_);
      for (const Argon2Put put : {Argon2Put::over, Argon2Put::added}) {
        Argon2Block expected = random_block(random_);
        Argon2Block block = expected;
        portable().fill(previous, reference, expected, put);
        kernel_.fill(previous, reference, block, put);
        ASSERT_TRUE(equal(block, expected)) << n;
      }
    }
  }

  void carries_go_through_all_of_a_word() {
    const Argon2Block zeros{};
    Argon2Block ones;
    std::ranges::fill(ones.words, ~std::uint64_t{0});
    for (const Argon2Block* previous : {&zeros, &std::as_const(ones)}) {
      Argon2Block expected;
      Argon2Block block;
      portable().fill(*previous, zeros, expected, Argon2Put::over);
      kernel_.fill(*previous, zeros, block, Argon2Put::over);
      EXPECT_TRUE(equal(block, expected));
    }
  }

  void the_reference_may_be_overwritten() {
    const Argon2Block previous = random_block(random_);
    const Argon2Block reference = random_block(random_);
    for (const Argon2Put put : {Argon2Put::over, Argon2Put::added}) {
      Argon2Block expected = reference;
      Argon2Block block = reference;
      kernel_.fill(previous, reference, expected, put);
      kernel_.fill(previous, block, block, put);
      EXPECT_TRUE(equal(block, expected));
    }
  }

 private:
  const Argon2Kernel& kernel_;
  std::mt19937_64 random_{8};
};

struct Argon2Avx512Test : KernelTest {
  Argon2Avx512Test() : KernelTest("avx512") {}
};
struct Argon2Avx2Test : KernelTest {
  Argon2Avx2Test() : KernelTest("avx2") {}
};
struct Argon2PortableTest : KernelTest {
  Argon2PortableTest() : KernelTest("portable") {}
};

TEST_F(Argon2Avx512Test, FillsAsThePortableOneDoes) {
  fills_as_the_portable_one_does();
}
TEST_F(Argon2Avx2Test, FillsAsThePortableOneDoes) {
  fills_as_the_portable_one_does();
}

TEST_F(Argon2Avx512Test, CarriesGoThroughAllOfAWord) {
  carries_go_through_all_of_a_word();
}
TEST_F(Argon2Avx2Test, CarriesGoThroughAllOfAWord) {
  carries_go_through_all_of_a_word();
}

TEST_F(Argon2Avx512Test, TheReferenceMayBeOverwritten) {
  the_reference_may_be_overwritten();
}
TEST_F(Argon2Avx2Test, TheReferenceMayBeOverwritten) {
  the_reference_may_be_overwritten();
}
TEST_F(Argon2PortableTest, TheReferenceMayBeOverwritten) {
  the_reference_may_be_overwritten();
}

}  // namespace
}  // namespace luksdetached
