#include "server/size_text.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

TEST(SizeText, IsExactInTheLargestUnit) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(512), "512 bytes");
  EXPECT_EQ(size_text(1536), "1536 bytes");
  EXPECT_EQ(size_text(std::uint64_t{64} << 20), "64 MiB");
  EXPECT_EQ(size_text(std::uint64_t{1} << 63), "8 EiB");
}

}  // namespace
}  // namespace luksdetached
