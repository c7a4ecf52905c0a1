#include "export/load_header.h"

#include <gmock/gmock.h>

#include "../luks/header_builder.h"
#include "../volume/memory_source.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::MemorySource;

// Makes of a header the beginning of something much larger.
Bytes on_a_disk(Bytes header) {
  header.resize(std::size_t{40} << 20, std::byte{0xee});
  return header;
}

// The bytes from the start that were read; each must have been read once.
std::uint64_t bytes_read(MemorySource& source) {
  std::uint64_t end = 0;
  for (const MemorySource::Call& call : source.take_calls()) {
    EXPECT_EQ(call.kind, MemorySource::Kind::read);
    EXPECT_EQ(call.offset, end) << "read twice or left out";
    end = call.offset + call.length;
  }
  return end;
}

Luks2Image luks2_with_key() {
  Luks2Image image;
  image.add_key(0, "secret");
  return image;
}

TEST(LoadHeaderTest, OfLuks2OnlyMetadataAndKeyMaterialAreRead) {
  MemorySource source(on_a_disk(luks2_with_key().bytes()));
  const LoadedHeader loaded = load_header(source);
  EXPECT_EQ(loaded.header.version, 2U);
  EXPECT_EQ(loaded.image.size(), 32768U + 128000U);
  EXPECT_EQ(bytes_read(source), loaded.image.size());
}

TEST(LoadHeaderTest, OfLuks1OnlyHeaderAndKeyMaterialAreRead) {
  Luks1Image image;
  image.add_key(0, "secret");
  MemorySource source(on_a_disk(image.bytes));
  const LoadedHeader loaded = load_header(source);
  EXPECT_EQ(loaded.header.version, 1U);
  EXPECT_EQ(loaded.image.size(), loaded.header.key_material_end);
  EXPECT_EQ(bytes_read(source), loaded.image.size());
}

TEST(LoadHeaderTest, TheImageIsWhatTheSourceHolds) {
  const Bytes bytes = luks2_with_key().bytes();
  MemorySource source(bytes);
  const LoadedHeader loaded = load_header(source);
  EXPECT_TRUE(std::equal(loaded.image.begin(), loaded.image.end(), bytes.begin()));
}

TEST(LoadHeaderTest, ATruncatedKeySlotAreaIsToldWithBothSizes) {
  Bytes bytes = luks2_with_key().bytes();
  MemorySource whole(bytes);
  EXPECT_NO_THROW(load_header(whole));
  bytes.pop_back();
  MemorySource source(bytes);
  expect_error(ErrorKind::header_damaged,
               "header memory: the LUKS header is damaged: it is truncated: its key slots end at "
               "byte 1081344, there are 1081343",
               [&] { load_header(source); });
}

TEST(LoadHeaderTest, AHeaderThatIsNotServedIsLoaded) {
  Luks2Image image = luks2_with_key();
  image.metadata["config"]["requirements"]["mandatory"] = nlohmann::json::array({"future"});
  MemorySource source(image.bytes());
  EXPECT_EQ(load_header(source).header.refusals.size(), 1U);
}

TEST(LoadHeaderTest, ADestroyedPrimaryIsReplacedByTheSecondaryWhereverItIs) {
  for (std::size_t size = 16 << 10; size <= std::size_t{4} << 20; size *= 4) {
    Luks2Image image;
    image.copy_bytes = size;
    image.metadata["config"]["json_size"] = std::to_string(size - 4096);
    image.metadata["keyslots"]["0"]["area"]["offset"] = std::to_string(2 * size);
    Bytes bytes = image.bytes();
    std::fill_n(bytes.begin(), 4096, std::byte{0});
    MemorySource source(on_a_disk(bytes));
    const LoadedHeader loaded = load_header(source);
    EXPECT_EQ(loaded.header.warnings.size(), 1U) << size;
    EXPECT_EQ(bytes_read(source),
              std::max<std::uint64_t>(luks::max_metadata_bytes, loaded.header.key_material_end));
  }
}

// The damaged copy says that it is small, the good one is further on.
TEST(LoadHeaderTest, ASecondaryBehindAMisleadingSizeOfThePrimaryIsFound) {
  Luks2Image image;
  image.copy_bytes = 1 << 20;
  image.metadata["config"]["json_size"] = std::to_string(image.copy_bytes - 4096);
  image.metadata["keyslots"]["0"]["area"]["offset"] = std::to_string(2 * image.copy_bytes);
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{16384}, std::uint64_t{32768},
                                   std::uint64_t{12345}, UINT64_MAX}) {
    Bytes bytes = image.bytes();
    testing::put_be64(bytes, testing::luks2::header_size, size);
    MemorySource source(on_a_disk(bytes));
    EXPECT_EQ(load_header(source).header.warnings.size(), 1U) << size;
  }
}

// A version field of 1 in what is otherwise LUKS2: only a page of it would be looked at.
TEST(LoadHeaderTest, AHeaderWhoseVersionWasChangedIsRefused) {
  Bytes bytes = luks2_with_key().bytes();
  testing::put_be16(bytes, testing::luks2::version, 1);
  MemorySource source(on_a_disk(bytes));
  EXPECT_THROW(load_header(source), Error);
}

// Only the magic is left of the primary copy: neither its version nor its size leads on.
TEST(LoadHeaderTest, ASecondaryBehindAPrimaryWithoutVersionAndSizeIsFound) {
  Bytes bytes = luks2_with_key().bytes();
  std::fill(bytes.begin() + luks::magic_bytes, bytes.begin() + 4096, std::byte{0});
  MemorySource source(on_a_disk(bytes));
  EXPECT_EQ(load_header(source).header.warnings.size(), 1U);
}

TEST(LoadHeaderTest, ErrorsNameTheSourceAndKeepTheirKind) {
  MemorySource noise(testing::pattern(100000));
  expect_error(ErrorKind::not_luks, "header memory: there is no LUKS header",
               [&] { load_header(noise); });
  MemorySource empty{Bytes()};
  expect_error(ErrorKind::header_damaged,
               "header memory: the LUKS header is damaged: it is truncated",
               [&] { load_header(empty); });
  MemorySource unreadable(on_a_disk(luks2_with_key().bytes()));
  unreadable.before = [](const MemorySource::Call&) {
    throw Error(ErrorKind::io, "cannot read", ENXIO);
  };
  try {
    load_header(unreadable);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_EQ(error.errno_code(), ENXIO);
  }
}

TEST(LoadHeaderTest, WhoRestoresAHeaderIsNotToldToDoSo) {
  const auto message_of = [](const Bytes& bytes, HeaderAdvice advice) -> std::string {
    MemorySource source(bytes);
    try {
      load_header(source, HeaderPart::whole, advice);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const Bytes zeros(100000);
  EXPECT_EQ(message_of(zeros, HeaderAdvice::backup),
            "header memory: there is no LUKS header; if there was one, luksdetached header restore "
            "puts a backup in its place");
  EXPECT_EQ(message_of(zeros, HeaderAdvice::none), "header memory: there is no LUKS header");
  EXPECT_THAT(message_of({}, HeaderAdvice::backup), ::testing::HasSubstr("use a backup"));
  EXPECT_THAT(message_of({}, HeaderAdvice::none), ::testing::Not(::testing::HasSubstr("backup")));
}

TEST(LoadHeaderTest, WhatIsNoHeaderIsGivenUpAfterTheMetadata) {
  MemorySource source(Bytes(std::size_t{40} << 20, std::byte{0xee}));
  EXPECT_THROW(load_header(source), Error);
  EXPECT_LE(bytes_read(source), luks::max_metadata_bytes);
}

}  // namespace
}  // namespace luksdetached
