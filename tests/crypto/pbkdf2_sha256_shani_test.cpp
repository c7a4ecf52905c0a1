#include <crypto++/sha.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "crypto/pbkdf2_sha256.h"

namespace luksdetached {
namespace {

using Words = std::array<std::uint32_t, 8>;

// The HMAC of a digest, with Crypto++'s function that adds a block to a state.
Words hmac(const Words& inner, const Words& outer, const Words& digest) {
  alignas(16) std::array<std::uint32_t, 16> block{};
  alignas(16) std::array<std::uint32_t, 16> state{};
  std::ranges::copy(digest, block.begin());
  block[8] = 0x80000000;
  block[15] = (64 + 32) * 8;
  for (const Words* start : {&inner, &outer}) {
    std::ranges::copy(*start, state.begin());
    CryptoPP::SHA256::Transform(state.data(), block.data());
    std::copy_n(state.begin(), 8, block.begin());
  }
  Words result;
  std::copy_n(block.begin(), 8, result.begin());
  return result;
}

TEST(Pbkdf2Sha256ShaniTest, AgreesWithCryptoppOnAnyNumberOfChains) {
  if (!have_sha256_shani()) GTEST_SKIP() << "not on this CPU";
  std::mt19937 random(8);
  const auto words = [&] {
    Words result;
    std::ranges::generate(result, std::ref(random));
    return result;
  };
  for (const std::uint32_t iterations : {0U, 1U, 2U, 3U, 100U}) {
    for (std::size_t count = 1; count <= most_sha256_chains; ++count) {
      const Words inner = words();
      const Words outer = words();
      std::array<Words, most_sha256_chains> last, sum;
      std::array<Sha256Chain, most_sha256_chains> chains;
      for (std::size_t n = 0; n < count; ++n) {
        last[n] = words();
        sum[n] = words();
        chains[n] = {last[n].data(), sum[n].data()};
      }
      auto expected_last = last;
      auto expected_sum = sum;
      for (std::size_t n = 0; n < count; ++n) {
        for (std::uint32_t i = 0; i < iterations; ++i) {
          expected_last[n] = hmac(inner, outer, expected_last[n]);
          for (std::size_t w = 0; w < 8; ++w) expected_sum[n][w] ^= expected_last[n][w];
        }
      }
      pbkdf2_sha256_shani(inner.data(), outer.data(), chains.data(), count, iterations);
      for (std::size_t n = 0; n < count; ++n) {
        EXPECT_EQ(last[n], expected_last[n]) << count << " " << iterations;
        EXPECT_EQ(sum[n], expected_sum[n]) << count << " " << iterations;
      }
    }
  }
}

}  // namespace
}  // namespace luksdetached
