#include "luks/header.h"

#include <gtest/gtest.h>

#include <random>

#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::expect_error;
using luksdetached::testing::Luks1Image;
using luksdetached::testing::Luks2Image;
using luksdetached::testing::pattern;
using luksdetached::testing::put_be16;
using luksdetached::testing::put_be64;
namespace layout = luksdetached::testing::luks2;

TEST(MetadataSizeTest, OfLuks1IsOnePage) {
  EXPECT_EQ(metadata_size(Luks1Image().bytes), 4096U);
}

TEST(MetadataSizeTest, OfLuks2IsBothCopies) {
  Luks2Image image;
  EXPECT_EQ(metadata_size(image.bytes()), 32768U);
  image.copy_bytes = std::size_t{4} << 20;
  EXPECT_EQ(metadata_size(image.bytes()), std::size_t{8} << 20);
}

TEST(MetadataSizeTest, IsNeverMoreThanTheMostThatLuks2Has) {
  Bytes image = Luks2Image().bytes();
  for (const std::uint64_t size : {(std::uint64_t{4} << 20) + 1, std::uint64_t{1} << 63,
                                   (std::uint64_t{1} << 63) + 1, UINT64_MAX, UINT64_MAX / 2}) {
    put_be64(image, layout::header_size, size);
    EXPECT_LE(metadata_size(image), max_metadata_bytes) << size;
  }
}

TEST(MetadataSizeTest, IsNeverLessThanAPage) {
  Bytes image = Luks2Image().bytes();
  for (const std::uint64_t size : {0U, 1U, 2047U}) {
    put_be64(image, layout::header_size, size);
    EXPECT_EQ(metadata_size(image), 4096U) << size;
  }
}

TEST(MetadataSizeTest, OfAnythingElseIsWhereASecondaryCopyMayBe) {
  EXPECT_EQ(metadata_size({}), max_metadata_bytes);
  EXPECT_EQ(metadata_size(pattern(4096)), max_metadata_bytes);
  const Bytes image = Luks2Image().bytes();
  for (const std::size_t size : {6U, 8U, 15U}) {
    EXPECT_EQ(metadata_size(std::span(image).first(size)), max_metadata_bytes) << size;
  }
}

TEST(ParseHeaderTest, TellsTheVersionsApart) {
  EXPECT_EQ(parse_header(Luks1Image().bytes).version, 1U);
  EXPECT_EQ(parse_header(Luks2Image().bytes()).version, 2U);
}

TEST(ParseHeaderTest, OtherVersionsAreNotSupportedAndNamed) {
  for (const std::uint16_t version : std::initializer_list<std::uint16_t>{0, 3, 9, 256, 65535}) {
    Bytes image = Luks1Image().bytes;
    put_be16(image, layout::version, version);
    expect_error(ErrorKind::unsupported, "LUKS version " + std::to_string(version),
                 [&] { parse_header(image); });
  }
}

TEST(ParseHeaderTest, WhatIsNoHeaderAtAllIsNotCalledDamaged) {
  for (const Bytes& bytes :
       {pattern(4096), Bytes(1), Bytes(100000), luksdetached::testing::to_bytes("LUKS\xba\xbf!!"),
        luksdetached::testing::to_bytes("LUKS")}) {
    expect_error(ErrorKind::not_luks, "there is no LUKS header", [&] { parse_header(bytes); });
  }
}

TEST(ParseHeaderTest, NothingAtAllIsTruncated) {
  expect_error(ErrorKind::header_damaged, "truncated: there are 0 bytes", [] { parse_header({}); });
}

TEST(ParseHeaderTest, AMagicAloneIsTruncated) {
  const Bytes image = Luks1Image().bytes;
  for (const std::size_t size : {6U, 7U}) {
    expect_error(ErrorKind::header_damaged, "truncated after its magic",
                 [&] { parse_header(std::span(image).first(size)); });
  }
}

TEST(ParseHeaderTest, AnUnknownVersionBeforeASecondaryCopyIsDamage) {
  Bytes image = Luks2Image().bytes();
  put_be16(image, layout::version, 0x0202);
  const Header header = parse_header(image);
  EXPECT_EQ(header.version, 2U);
  ASSERT_EQ(header.warnings.size(), 1U);
  EXPECT_NE(header.warnings[0].find("secondary copy"), std::string::npos) << header.warnings[0];
}

TEST(CheckServableTest, ThrowsTheFirstRefusal) {
  Header header;
  EXPECT_NO_THROW(check_servable(header));
  header.refusals = {{ErrorKind::policy, "first"}, {ErrorKind::unsupported, "second"}};
  expect_error(ErrorKind::policy, "first", [&] { check_servable(header); });
}

// Whatever is in a header, the answer is a Header or an Error.
void expect_header_or_error(std::span<const std::byte> bytes) {
  try {
    parse_header(bytes);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): as it should be
  } catch (const std::exception& other) {
    ADD_FAILURE() << "another exception: " << other.what();
  }
}

void spoil(const Bytes& image, std::size_t first, std::size_t last, bool sealed) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): a failure must come again
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    Bytes changed = image;
    for (unsigned n = 0; n <= random() % 3; ++n) {
      changed[first + random() % (last - first)] ^= static_cast<std::byte>(1 + random() % 255);
    }
    if (sealed) {
      luksdetached::testing::seal(changed, 0, 16384);
      // The other copy must not save it.
      std::fill(changed.begin() + 16384, changed.begin() + 16390, std::byte{0});
    }
    expect_header_or_error(changed);
  }
}

void cut(const Bytes& image, std::size_t last) {
  for (std::size_t size = 0; size <= last; size += 1 + size / 50) {
    SCOPED_TRACE(size);
    expect_header_or_error(std::span(image).first(size));
  }
}

TEST(ParseHeaderTest, ASpoiledLuks1HeaderGivesAHeaderOrAnError) {
  const Bytes image = Luks1Image().bytes;
  spoil(image, 6, image.size(), false);
  cut(image, image.size());
}

TEST(ParseHeaderTest, SpoiledLuks2MetadataGiveAHeaderOrAnErrorEvenWithTheRightChecksum) {
  const Luks2Image image;
  const std::size_t json_bytes = image.json_text().size();
  spoil(image.bytes(), layout::binary_bytes, layout::binary_bytes + json_bytes, true);
  spoil(image.bytes(), 6, 512, true);
  cut(image.bytes(), 32768);
}

TEST(ParseHeaderTest, NoiseBehindTheMagicGivesAnError) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    Bytes noise = pattern(40000, seed);
    luksdetached::testing::put_text(noise, 0, std::string_view("LUKS\xba\xbe\0\1", 8));
    noise[7] = static_cast<std::byte>(1 + seed % 2);
    EXPECT_THROW(parse_header(noise), Error) << seed;
  }
}

}  // namespace
}  // namespace luksdetached::luks
