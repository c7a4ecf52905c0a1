#include "server/edit/moved_segment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::opens;

constexpr std::uint64_t mebibyte = 1 << 20;

// Where they differ, in bytes from the begin.
std::pair<std::size_t, std::size_t> differing(const Bytes& one, const Bytes& other) {
  std::size_t first = one.size();
  std::size_t end = 0;
  for (std::size_t n = 0; n < one.size(); ++n) {
    if (one[n] == other[n]) continue;
    first = std::min(first, n);
    end = n + 1;
  }
  return {first, end};
}

TEST(MovedSegment, OfLuks1IsOneNumber) {
  Luks1Image image;
  image.add_key(0, "old");
  const LoadedHeader before = loaded(image.bytes);
  const LoadedHeader after = move_segment(before, 16 * mebibyte);
  EXPECT_EQ(after.header.segment.offset, 16 * mebibyte);
  EXPECT_TRUE(opens(after, "old", 0));
  const auto [first, end] = differing(before.image, after.image);
  EXPECT_GE(first, testing::luks1::payload_offset);
  EXPECT_LE(end, testing::luks1::payload_offset + 4);
  EXPECT_EQ(move_segment(after, 0).image, before.image);
}

TEST(MovedSegment, OfLuks2IsInBothCopies) {
  Luks2Image image;
  image.add_key(0, "old");
  const LoadedHeader before = loaded(image.bytes());
  const LoadedHeader after = move_segment(before, 16 * mebibyte);
  EXPECT_EQ(after.header.segment.offset, 16 * mebibyte);
  EXPECT_TRUE(opens(after, "old", 0));
  for (const luks::HeaderCopy& copy : after.header.copies) {
    EXPECT_EQ(copy.problem, "");
    EXPECT_EQ(copy.sequence, image.sequence + 1);
  }
  EXPECT_TRUE(after.header.warnings.empty());
  EXPECT_LE(differing(before.image, after.image).second, 2 * image.copy_bytes);
  const LoadedHeader back = move_segment(after, 0);
  EXPECT_EQ(back.header.segment.offset, 0U);
  EXPECT_TRUE(opens(back, "old", 0));
}

TEST(MovedSegment, WhatNobodyKnowsOfTheMetadataStays) {
  Luks2Image image;
  image.add_key(0, "old");
  image.metadata["tokens"]["7"] = {
      {"type", "someone's"}, {"keyslots", {"0"}}, {"x", {1, "\u00e9"}}};
  const LoadedHeader after = move_segment(loaded(image.bytes()), 32 * mebibyte);
  const std::string text(reinterpret_cast<const char*>(after.image.data()) + 4096);
  auto expected = image.metadata;
  expected["segments"]["0"]["offset"] = std::to_string(32 * mebibyte);
  EXPECT_EQ(nlohmann::json::parse(text), expected);
}

TEST(MovedSegment, ACopyThatDoesNotCountIsNotMadeToLookWhole) {
  Luks2Image image;
  image.add_key(0, "old");
  Bytes bytes = image.bytes();
  bytes[image.copy_bytes + 5000] ^= std::byte{1};
  expect_error(ErrorKind::policy, "damaged", [&] { move_segment(loaded(bytes), mebibyte); });
  const Bytes older = image.copy(image.copy_bytes, image.json_text(), image.sequence - 1);
  std::copy_n(older.begin(), image.copy_bytes,
              bytes.begin() + static_cast<std::ptrdiff_t>(image.copy_bytes));
  expect_error(ErrorKind::policy, "older", [&] { move_segment(loaded(bytes), mebibyte); });
}

TEST(MovedSegment, NeverLiesInsideTheHeader) {
  Luks1Image one;
  one.add_key(0, "old");
  Luks2Image two;
  two.add_key(0, "old");
  expect_error(ErrorKind::header_damaged, "overlaps",
               [&] { move_segment(loaded(one.bytes), 4096); });
  expect_error(ErrorKind::header_damaged, "inside the header",
               [&] { move_segment(loaded(two.bytes()), 4096); });
}

TEST(MovedSegment, HasNoNumberBeyondLuks1) {
  Luks1Image image;
  image.add_key(0, "old");
  expect_error(ErrorKind::usage, "no numbers as large",
               [&] { move_segment(loaded(image.bytes), std::uint64_t{512} << 32); });
}

TEST(MovedSegment, FollowsAHeaderInWholeMebibytes) {
  EXPECT_EQ(offset_behind(1), mebibyte);
  EXPECT_EQ(offset_behind(mebibyte), mebibyte);
  EXPECT_EQ(offset_behind(mebibyte + 1), 2 * mebibyte);
}

}  // namespace
}  // namespace luksdetached::edit
