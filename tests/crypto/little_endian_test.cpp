#include "crypto/little_endian.h"

#include <gtest/gtest.h>

#include "../base/testing.h"

namespace luksdetached {
namespace {

TEST(LittleEndianTest, TheFirstByteIsTheLeastSignificant) {
  const testing::Bytes bytes = testing::from_hex("0123456789abcdeffedc");
  EXPECT_EQ(load_little_endian<std::uint32_t>(bytes.data()), 0x67452301U);
  EXPECT_EQ(load_little_endian<std::uint64_t>(bytes.data() + 1), 0xfeefcdab89674523U);
}

TEST(LittleEndianTest, WhatIsStoredIsLoadedAgain) {
  testing::Bytes bytes(10, std::byte{0x55});
  store_little_endian(bytes.data() + 1, std::uint64_t{0x0123456789abcdef});
  EXPECT_EQ(testing::to_hex(bytes), "55efcdab896745230155");
  store_little_endian(bytes.data() + 1, std::uint32_t{0x80000000});
  EXPECT_EQ(testing::to_hex(bytes), "55000000806745230155");
}

}  // namespace
}  // namespace luksdetached
