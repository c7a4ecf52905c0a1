#include "export/data_area.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::expect_error;

constexpr std::uint64_t mib = 1 << 20;

luks::Segment segment(std::uint64_t offset, std::optional<std::uint64_t> size,
                      std::size_t sector_size, const char* iv = "plain64") {
  return {offset, size, sector_size, std::string("aes-xts-") + iv, {"aes", "xts", iv, ""}};
}

TEST(FindDataAreaTest, IsTheRestOfThePayloadOrTheFixedSize) {
  struct Row {
    const char* name;
    luks::Segment segment;
    std::uint64_t payload_bytes;
    std::optional<std::uint64_t> offset_override;
    std::uint64_t offset, size;
  };
  const Row table[] = {
      {"from the start", segment(0, {}, 512), mib, {}, 0, mib},
      {"from the header's offset", segment(4096, {}, 512), mib, {}, 4096, mib - 4096},
      {"from another offset", segment(4096, {}, 512), mib, 512, 512, mib - 512},
      {"from 0 instead", segment(4096, {}, 512), mib, 0, 0, mib},
      {"a fixed size", segment(512, 8192, 512), mib, {}, 512, 8192},
      {"a fixed size that just fits", segment(512, mib - 512, 512), mib, {}, 512, mib - 512},
      {"a fixed size at another offset", segment(0, 8192, 512), mib, 1024, 1024, 8192},
      {"one sector", segment(0, {}, 4096), 4096, {}, 0, 4096},
      {"one sector behind an offset", segment(1024, {}, 512), 1536, {}, 1024, 512},
      {"a large payload",
       segment(0, {}, 4096),
       std::uint64_t{1} << 45,
       {},
       0,
       std::uint64_t{1} << 45},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    std::vector<std::string> warnings;
    const DataArea area =
        find_data_area(row.segment, row.payload_bytes, row.offset_override, warnings);
    EXPECT_EQ(area.offset, row.offset);
    EXPECT_EQ(area.size, row.size);
    EXPECT_EQ(area.sector_size, row.segment.sector_size);
    EXPECT_TRUE(warnings.empty());
  }
}

TEST(FindDataAreaTest, BytesBehindTheLastWholeSectorAreNotServedAndTold) {
  std::vector<std::string> warnings;
  const DataArea area = find_data_area(segment(512, {}, 4096), 512 + 3 * 4096 + 100, {}, warnings);
  EXPECT_EQ(area.size, 3U * 4096);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0], "the last 100 bytes are not a whole sector of 4096 and are not served");
}

TEST(FindDataAreaTest, IvsThatRepeatAreTold) {
  constexpr std::uint64_t two_tib = std::uint64_t{1} << 41;
  std::vector<std::string> warnings;
  find_data_area(segment(0, {}, 512, "plain"), two_tib, {}, warnings);
  EXPECT_TRUE(warnings.empty());
  find_data_area(segment(0, {}, 512, "plain64"), two_tib + 512, {}, warnings);
  EXPECT_TRUE(warnings.empty());
  find_data_area(segment(0, {}, 512, "plain"), two_tib + 512, {}, warnings);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("repeats its IVs every 2 TiB"), std::string::npos) << warnings[0];
}

TEST(FindDataAreaTest, IvsThatRepeatInASegmentOfFixedSizeAreTold) {
  constexpr std::uint64_t two_tib = std::uint64_t{1} << 41;
  std::vector<std::string> warnings;
  find_data_area(segment(0, two_tib + 512, 512, "plain"), two_tib + 512, {}, warnings);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(FindDataAreaTest, RefusesAPayloadThatIsTooSmallAndSaysWhatItNeeds) {
  struct Row {
    const char* name;
    luks::Segment segment;
    std::uint64_t payload_bytes;
    std::optional<std::uint64_t> offset_override;
    const char* word;
  };
  const Row table[] = {
      {"empty", segment(0, {}, 512), 0, {}, "it has 0 bytes"},
      {"a byte less than a sector", segment(0, {}, 4096), 4095, {}, "one sector has 4096"},
      {"ends where the data begin",
       segment(8192, {}, 512),
       8192,
       {},
       "the encrypted data begin at byte 8192 (as the header says)"},
      {"ends before the data begin", segment(8192, {}, 512), 4096, {}, "begin at byte 8192"},
      {"no sector behind the offset", segment(0, {}, 512), 8192, 7681,
       "begin at byte 7681 (payload-offset=)"},
      {"an offset of all ones", segment(UINT64_MAX - 511, {}, 512), mib, {}, "it is too small"},
      {"another offset of 2^63", segment(0, {}, 512), mib, std::uint64_t{1} << 63,
       "it is too small"},
      {"a fixed size that does not fit",
       segment(512, mib, 512),
       mib,
       {},
       "the header says that there are 1048576"},
      {"a fixed size of nearly 2^64",
       segment(512, UINT64_MAX - 511, 512),
       mib,
       {},
       "the header says that there are"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    std::vector<std::string> warnings;
    expect_error(ErrorKind::payload_too_small, row.word, [&] {
      find_data_area(row.segment, row.payload_bytes, row.offset_override, warnings);
    });
  }
}

}  // namespace
}  // namespace luksdetached
