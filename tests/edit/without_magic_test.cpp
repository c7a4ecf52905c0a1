#include "server/edit/without_magic.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../base/testing.h"
#include "server/edit/write_plan.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::opens;

template <typename Image>
LoadedHeader sample() {
  Image image;
  image.add_key(0, "secret");
  if constexpr (std::is_same_v<Image, Luks1Image>) {
    return loaded(image.bytes);
  } else {
    return loaded(image.bytes());
  }
}

template <typename Image>
class WithoutMagic : public ::testing::Test {};
using Images = ::testing::Types<Luks1Image, Luks2Image>;
TYPED_TEST_SUITE(WithoutMagic, Images);

TYPED_TEST(WithoutMagic, ThereIsNoHeaderAndItIsFoundAgain) {
  const LoadedHeader header = sample<TypeParam>();
  Bytes bytes = without_magic(header, 77).image;
  EXPECT_THROW((void)luks::parse_header(bytes), Error);
  bytes.resize(bytes.size() + 4096, std::byte{7});  // what is behind it
  const auto found = find_without_magic(bytes);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->header.image, header.image);
  EXPECT_TRUE(opens(found->header, "secret", 0));
}

TYPED_TEST(WithoutMagic, TheNoteIsFoundAgain) {
  for (const std::uint64_t note : {std::uint64_t{1}, std::uint64_t{0x123456789abc}, note_end - 1}) {
    const auto found = find_without_magic(without_magic(sample<TypeParam>(), note).image);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->note, note);
  }
}

TYPED_TEST(WithoutMagic, OneWithoutANoteHasLostItsMagicInAnotherWay) {
  Bytes bytes = without_magic(sample<TypeParam>(), 1).image;
  std::fill_n(bytes.begin(), luks::magic_bytes, std::byte{0});
  EXPECT_FALSE(find_without_magic(bytes));
}

TYPED_TEST(WithoutMagic, AHeaderIsNone) {
  EXPECT_FALSE(find_without_magic(sample<TypeParam>().image));
}

TYPED_TEST(WithoutMagic, OneThatIsNotWholeIsNone) {
  Bytes bytes = without_magic(sample<TypeParam>(), 77).image;
  bytes.resize(bytes.size() - 512);
  EXPECT_FALSE(find_without_magic(bytes));
  bytes.resize(600);
  EXPECT_FALSE(find_without_magic(bytes));
  EXPECT_FALSE(find_without_magic({}));
}

// One block at a time, after each of which it is a header.
TYPED_TEST(WithoutMagic, TheMagicIsWrittenLastCopyFirst) {
  const LoadedHeader header = sample<TypeParam>();
  Bytes image = without_magic(header, 77).image;
  const WritePlan plan = plan_writes(image, nullptr, header.image, header.header);
  ASSERT_EQ(plan.size(), header.header.version);  // as many as there are copies
  EXPECT_EQ(plan.back().writes.front().offset, 0U);
  for (const Stage& stage : plan) {
    ASSERT_EQ(stage.writes.size(), 1U);
    ASSERT_EQ(stage.writes.front().bytes.size(), 512U);
    std::ranges::copy(stage.writes.front().bytes,
                      image.begin() + static_cast<std::ptrdiff_t>(stage.writes.front().offset));
    EXPECT_TRUE(opens(loaded(image), "secret", 0));
  }
  EXPECT_EQ(image, header.image);
}

TEST(WithoutMagicLuks2, OneWithADamagedCopyIsNone) {
  for (const std::size_t copy : {0, 1}) {
    const LoadedHeader header = sample<Luks2Image>();
    Bytes bytes = without_magic(header, 77).image;
    bytes[header.header.copies[copy].offset + 4096] ^= std::byte{1};
    EXPECT_FALSE(find_without_magic(bytes));
  }
}

TEST(WithoutMagicLuks2, AHeaderThatHasLostOneMagicIsNone) {
  const LoadedHeader header = sample<Luks2Image>();
  Bytes bytes = header.image;
  bytes.front() ^= std::byte{1};
  EXPECT_FALSE(find_without_magic(bytes));
}

}  // namespace
}  // namespace luksdetached::edit
