#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "header_builder.h"
#include "luks/header.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::expect_error;
using luksdetached::testing::Luks2Image;
using luksdetached::testing::put_be16;
using luksdetached::testing::put_be64;
using luksdetached::testing::put_text;
using luksdetached::testing::seal;
namespace layout = luksdetached::testing::luks2;

constexpr std::size_t copy_bytes = 16384;

// Spoils both copies in the same way; their checksums are right afterwards.
Bytes both(const Luks2Image& builder, const std::function<void(Bytes&, std::size_t at)>& spoil) {
  Bytes image = builder.bytes();
  for (const std::size_t at : {std::size_t{0}, builder.copy_bytes}) {
    spoil(image, at);
    seal(image, at, builder.copy_bytes);
  }
  return image;
}

std::string only_warning(const Header& header) {
  if (header.warnings.size() != 1) {
    return std::to_string(header.warnings.size()) + " warnings";
  }
  return header.warnings[0];
}

TEST(Luks2HeaderTest, TwoGoodCopiesOfTheSameSequenceGiveNoWarning) {
  const Header header = parse_header(Luks2Image().bytes());
  EXPECT_EQ(header.version, 2U);
  EXPECT_EQ(header.uuid, luksdetached::testing::header_uuid);
  EXPECT_TRUE(header.warnings.empty());
}

TEST(Luks2HeaderTest, SaysWhatIsInTheBinaryHeader) {
  const Bytes image = both(Luks2Image(), [](Bytes& b, std::size_t at) {
    put_text(b, at + layout::label, "Gr\u00f6\u00dfe\x1b");
    put_text(b, at + layout::subsystem, std::string(48, 's'));
  });
  const Header header = parse_header(image);
  EXPECT_EQ(header.label, "Gr\u00f6\u00dfe?");
  EXPECT_EQ(header.subsystem, std::string(48, 's'));
}

TEST(Luks2HeaderTest, BlanksMayComeBehindTheJson) {
  const Luks2Image image;
  EXPECT_TRUE(parse_header(image.bytes(image.json_text() + " \t\r\n")).refusals.empty());
}

void expect_copy(const HeaderCopy& copy, const HeaderCopy& expected) {
  EXPECT_EQ(copy.offset, expected.offset);
  EXPECT_EQ(copy.sequence, expected.sequence);
  EXPECT_EQ(copy.used, expected.used);
  EXPECT_EQ(copy.problem, expected.problem);
}

TEST(Luks2HeaderTest, BothCopiesAreListed) {
  const Header header = parse_header(Luks2Image().bytes());
  ASSERT_EQ(header.copies.size(), 2U);
  expect_copy(header.copies[0], {0, 3, true, ""});
  expect_copy(header.copies[1], {copy_bytes, 3, false, ""});
}

TEST(Luks2HeaderTest, OfABadCopyItIsListedWhatIsWrong) {
  Bytes image = Luks2Image().bytes();
  image[5000] ^= std::byte{1};
  Header header = parse_header(image);
  ASSERT_EQ(header.copies.size(), 2U);
  expect_copy(header.copies[0], {0, 0, false, "its checksum does not match"});
  expect_copy(header.copies[1], {copy_bytes, 3, true, ""});

  const Luks2Image builder;
  image = builder.copy(0, builder.json_text(), 9);
  const Bytes secondary = builder.copy(copy_bytes, "{}", 9);
  image.insert(image.end(), secondary.begin(), secondary.end());
  header = parse_header(image);
  expect_copy(header.copies.at(0), {0, 9, true, ""});
  expect_copy(header.copies.at(1), {copy_bytes, 9, false, "JSON keyslots is missing"});
  EXPECT_EQ(only_warning(header),
            "the primary copy of the LUKS2 header is used: the secondary copy is damaged: JSON "
            "keyslots is missing");
}

// A primary copy whose checksum is right says where the other one is, whatever its JSON is like.
TEST(Luks2HeaderTest, WhatLooksLikeACopyInsideTheOtherOneIsNotLookedAt) {
  Luks2Image image;
  image.copy_bytes = 2 * copy_bytes;
  image.metadata["config"]["json_size"] = std::to_string(image.copy_bytes - layout::binary_bytes);
  image.metadata["keyslots"]["0"]["area"]["offset"] = std::to_string(2 * image.copy_bytes);
  Bytes bytes = image.copy(0, "{", 3);
  const Luks2Image fake;
  const Bytes inner = fake.copy(copy_bytes, fake.json_text(), 5);
  std::copy(inner.begin(), inner.end(), bytes.begin() + copy_bytes);
  seal(bytes, 0, image.copy_bytes);
  const Bytes secondary = image.copy(image.copy_bytes, image.json_text(), 3);
  bytes.insert(bytes.end(), secondary.begin(), secondary.end());
  EXPECT_EQ(parse_header(bytes).copies.at(1).offset, image.copy_bytes);
}

TEST(Luks2HeaderTest, EverySizeOfACopyIsRead) {
  for (std::size_t size = 16 << 10; size <= std::size_t{4} << 20; size *= 2) {
    Luks2Image image;
    image.copy_bytes = size;
    image.metadata["config"]["json_size"] = std::to_string(size - 4096);
    image.metadata["keyslots"]["0"]["area"]["offset"] = std::to_string(2 * size);
    const Header header = parse_header(image.bytes());
    EXPECT_TRUE(header.warnings.empty()) << size;
    EXPECT_EQ(header.keyslots.at(0).area_offset, 2 * size);
  }
}

TEST(Luks2HeaderTest, TheChecksumMayBeOfAnyHash) {
  for (const char* name : {"sha1", "sha224", "sha512", "whirlpool", "ripemd160"}) {
    Luks2Image image;
    image.checksum_algorithm = name;
    EXPECT_TRUE(parse_header(image.bytes()).warnings.empty()) << name;
  }
}

TEST(Luks2HeaderTest, TheNewerCopyIsUsedAndTheOtherIsToldToBeOlder) {
  Luks2Image image;
  const std::string old_text = image.json_text();
  image.metadata["keyslots"]["0"]["kdf"]["iterations"] = 99;
  const std::string new_text = image.json_text();
  struct Row {
    std::uint64_t primary, secondary;
    std::string_view warning;
  };
  for (
      const Row& row :
      {Row{4, 3,
           "the primary copy of the LUKS2 header is used: the secondary copy is older (sequence 3, "
           "not 4)"},
       Row{3, 4,
           "the secondary copy of the LUKS2 header is used: the primary copy is older (sequence 3, "
           "not 4)"}}) {
    const bool primary_newer = row.primary > row.secondary;
    Bytes bytes = image.copy(0, primary_newer ? new_text : old_text, row.primary);
    const Bytes secondary =
        image.copy(copy_bytes, primary_newer ? old_text : new_text, row.secondary);
    bytes.insert(bytes.end(), secondary.begin(), secondary.end());
    const Header header = parse_header(bytes);
    EXPECT_EQ(std::get<Pbkdf2Cost>(header.keyslots.at(0).kdf.cost).iterations, 99U);
    EXPECT_EQ(only_warning(header), row.warning);
  }
}

TEST(Luks2HeaderTest, WhenOneCopyIsDamagedTheOtherIsUsedWithAWarning) {
  struct Row {
    const char* name;
    std::function<void(Bytes&)> spoil;
    const char* warning;
  };
  const Row table[] = {
      {"primary checksum", [](Bytes& b) { b[5000] ^= std::byte{1}; },
       "the secondary copy of the LUKS2 header is used: the primary copy is damaged: its checksum "
       "does not match"},
      {"primary magic", [](Bytes& b) { b[0] = std::byte{0}; },
       "the secondary copy of the LUKS2 header is used: the primary copy is damaged: its magic is "
       "missing"},
      {"primary overwritten", [](Bytes& b) { std::fill_n(b.begin(), 4096, std::byte{0}); },
       "the secondary copy of the LUKS2 header is used: the primary copy is damaged: its magic is "
       "missing"},
      {"primary size", [](Bytes& b) { put_be64(b, layout::header_size, 12345); },
       "the secondary copy of the LUKS2 header is used: the primary copy is damaged: its size of "
       "12345 bytes is not one that LUKS2 has"},
      {"primary offset", [](Bytes& b) { put_be64(b, layout::header_offset, 512); },
       "the secondary copy of the LUKS2 header is used: the primary copy is damaged: it says that "
       "it is at another offset"},
      {"secondary checksum", [](Bytes& b) { b[copy_bytes + 5000] ^= std::byte{1}; },
       "the primary copy of the LUKS2 header is used: the secondary copy is damaged: its checksum "
       "does not match"},
      {"secondary overwritten",
       [](Bytes& b) { std::fill_n(b.begin() + copy_bytes, 4096, std::byte{0}); },
       "the primary copy of the LUKS2 header is used: the secondary copy is damaged: its magic is "
       "missing"},
      {"secondary cut off", [](Bytes& b) { b.resize(copy_bytes); },
       "the primary copy of the LUKS2 header is used: the secondary copy is damaged: it is "
       "truncated: there are 16384 bytes"},
      {"secondary half there", [](Bytes& b) { b.resize(copy_bytes + 5000); },
       "the primary copy of the LUKS2 header is used: the secondary copy is damaged: it is "
       "truncated: it says that it has 16384 bytes, there are 5000"},
      {"secondary's size is another",
       [](Bytes& b) {
         put_be64(b, copy_bytes + layout::header_size, 32768);
         seal(b, copy_bytes, copy_bytes);
       },
       "the primary copy of the LUKS2 header is used: the secondary copy is damaged: its size and "
       "its offset disagree"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    Bytes image = Luks2Image().bytes();
    row.spoil(image);
    const Header header = parse_header(image);
    EXPECT_EQ(only_warning(header), row.warning);
    EXPECT_EQ(header.keyslots.size(), 1U);
  }
}

TEST(Luks2HeaderTest, ASecondaryCopyIsFoundAtEveryPlaceWhereItCanBe) {
  for (std::size_t size = 16 << 10; size <= std::size_t{4} << 20; size *= 2) {
    Luks2Image image;
    image.copy_bytes = size;
    image.metadata["config"]["json_size"] = std::to_string(size - 4096);
    image.metadata["keyslots"]["0"]["area"]["offset"] = std::to_string(2 * size);
    Bytes bytes = image.bytes();
    std::fill_n(bytes.begin(), 4096, std::byte{0});
    EXPECT_EQ(parse_header(bytes).warnings.size(), 1U) << size;
  }
}

TEST(Luks2HeaderTest, CopiesOfOneSequenceNumberThatDifferAreWarnedAbout) {
  Luks2Image image;
  Bytes bytes = image.copy(0, image.json_text(), 4);
  image.metadata["keyslots"]["0"]["kdf"]["iterations"] = 99;
  const Bytes secondary = image.copy(copy_bytes, image.json_text(), 4);
  bytes.insert(bytes.end(), secondary.begin(), secondary.end());
  const Header header = parse_header(bytes);
  EXPECT_NE(std::get<Pbkdf2Cost>(header.keyslots.at(0).kdf.cost).iterations, 99U);
  EXPECT_EQ(only_warning(header),
            "the two copies of the LUKS2 header have the same sequence number and differ; the "
            "primary copy is used");
}

// A copy with a right checksum whose JSON is no good, beside a copy that is.
TEST(Luks2HeaderTest, DamagedJsonInTheNewerCopySendsToTheOlderOne) {
  const Luks2Image image;
  Bytes bytes = image.copy(0, "{}", 9);
  const Bytes secondary = image.copy(copy_bytes, image.json_text(), 8);
  bytes.insert(bytes.end(), secondary.begin(), secondary.end());
  const Header header = parse_header(bytes);
  EXPECT_EQ(only_warning(header),
            "the secondary copy of the LUKS2 header is used: the primary copy is damaged: JSON "
            "keyslots is missing; it is newer (sequence 9, not 8), so a removed key slot may open "
            "again");
}

// What an intact newer copy asks for counts: an older one may lack a requirement that was added.
TEST(Luks2HeaderTest, ARefusalByTheNewerCopyIsFinal) {
  Luks2Image image;
  const std::string old_text = image.json_text();
  image.metadata["config"]["requirements"]["mandatory"] = nlohmann::json::array({"new-thing"});
  Bytes bytes = image.copy(0, image.json_text(), 9);
  const Bytes secondary = image.copy(copy_bytes, old_text, 8);
  bytes.insert(bytes.end(), secondary.begin(), secondary.end());
  expect_error(ErrorKind::unsupported, "new-thing", [&] { check_servable(parse_header(bytes)); });
}

TEST(Luks2HeaderTest, WhenBothCopiesAreDamagedBothReasonsAreTold) {
  Bytes image = Luks2Image().bytes();
  image[5000] ^= std::byte{1};
  put_be64(image, copy_bytes + layout::header_offset, 7);
  expect_error(ErrorKind::header_damaged,
               "both copies of the LUKS2 header are bad (primary: its checksum does not match; "
               "secondary: it says that it is at another offset)",
               [&] { parse_header(image); });
}

TEST(Luks2HeaderTest, RefusesBinaryHeadersThatAreMalformedInBothCopies) {
  constexpr auto damaged = ErrorKind::header_damaged;
  struct Row {
    const char* name;
    std::function<void(Bytes&, std::size_t)> spoil;
    ErrorKind kind;
    const char* word;
  };
  const auto size = [](std::uint64_t value) {
    return [=](Bytes& b, std::size_t at) { put_be64(b, at + layout::header_size, value); };
  };
  const auto algorithm = [](std::string_view text) {
    return [=](Bytes& b, std::size_t at) {
      std::fill_n(b.begin() + static_cast<std::ptrdiff_t>(at + layout::checksum_algorithm), 32,
                  std::byte{0});
      put_text(b, at + layout::checksum_algorithm, text);
    };
  };
  const Row table[] = {
      {"version 3", [](Bytes& b, std::size_t at) { put_be16(b, at + layout::version, 3); },
       ErrorKind::unsupported, "LUKS version 3"},
      {"size 0", size(0), damaged, "its size of 0 bytes"},
      {"size 4096", size(4096), damaged, "its size of 4096 bytes"},
      {"size between two", size(copy_bytes + 512), damaged, "its size of 16896 bytes"},
      {"size 8 MiB", size(std::uint64_t{8} << 20), damaged, "its size of 8388608 bytes"},
      {"size all ones", size(UINT64_MAX), damaged, "its size of 18446744073709551615 bytes"},
      {"size beyond the bytes", size(std::uint64_t{4} << 20), damaged, "truncated"},
      {"another offset",
       [](Bytes& b, std::size_t at) { put_be64(b, at + layout::header_offset, at + 4096); },
       damaged, "it says that it is at another offset"},
      {"unknown checksum algorithm", algorithm("crc32c"), damaged,
       "its checksum algorithm 'crc32c' is unknown"},
      {"no checksum algorithm", algorithm(""), damaged, "its checksum algorithm '' is unknown"},
      {"checksum algorithm without NUL", algorithm("sha256sha256sha256sha256sha256sh"), damaged,
       "checksum algorithm has no end"},
      {"checksum algorithm that is no text", algorithm("sha\x80"), damaged,
       "checksum algorithm holds bytes that are not text"},
      {"uuid without NUL",
       [](Bytes& b, std::size_t at) { put_text(b, at + layout::uuid, std::string(40, 'u')); },
       damaged, "uuid has no end"},
      {"uuid that is no text",
       [](Bytes& b, std::size_t at) { put_text(b, at + layout::uuid, "\x1b[2J"); }, damaged,
       "uuid holds bytes that are not text"},
      {"a JSON area without NUL",
       [](Bytes& b, std::size_t at) {
         std::fill_n(b.begin() + static_cast<std::ptrdiff_t>(at + layout::binary_bytes),
                     copy_bytes - layout::binary_bytes, std::byte{' '});
       },
       damaged, "its JSON area has no terminating NUL"},
      {"an empty JSON area",
       [](Bytes& b, std::size_t at) {
         std::fill_n(b.begin() + static_cast<std::ptrdiff_t>(at + layout::binary_bytes),
                     copy_bytes - layout::binary_bytes, std::byte{0});
       },
       damaged, "does not begin with an object"},
      {"a byte at the end of the JSON area",
       [](Bytes& b, std::size_t at) { b[at + copy_bytes - 1] = std::byte{'x'}; }, damaged,
       "there are bytes after the end of its JSON"},
      {"JSON behind a blank",
       [](Bytes& b, std::size_t at) {
         const auto json = b.begin() + static_cast<std::ptrdiff_t>(at + layout::binary_bytes);
         std::copy_backward(json, json + 5000, json + 5001);
         *json = std::byte{' '};
       },
       damaged, "does not begin with an object"},
      {"JSON that is not valid",
       [](Bytes& b, std::size_t at) { b[at + layout::binary_bytes + 1] = std::byte{','}; }, damaged,
       "not valid at byte"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    const Bytes image = both(Luks2Image(), row.spoil);
    expect_error(row.kind, row.word, [&] { parse_header(image); });
  }
}

TEST(Luks2HeaderTest, RefusesWrongChecksumsOfBothCopies) {
  // A byte of the binary header, of its padding, of the JSON, of the NULs behind it, of the sum.
  for (const std::size_t at : {24U, 300U, 600U, 4095U, 4100U, 16383U, 448U, 479U}) {
    Bytes image = Luks2Image().bytes();
    image[at] ^= std::byte{1};
    image[copy_bytes + at] ^= std::byte{1};
    expect_error(ErrorKind::header_damaged, "both copies", [&] { parse_header(image); });
  }
}

TEST(Luks2HeaderTest, RefusesAHeaderCutOffAtEveryBoundary) {
  const Bytes image = Luks2Image().bytes();
  for (const std::size_t size : {8U, 16U, 24U, 72U, 104U, 168U, 208U, 256U, 264U, 448U, 512U, 4095U,
                                 4096U, 4097U, 8192U, 16383U}) {
    expect_error(ErrorKind::header_damaged, "truncated",
                 [&] { parse_header(std::span(image).first(size)); });
  }
}

}  // namespace
}  // namespace luksdetached::luks
