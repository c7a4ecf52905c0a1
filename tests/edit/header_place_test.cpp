#include "server/edit/header_place.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::loaded;
using testing::Luks2Image;
using testing::opens;

class HeaderPlaceTest : public ::testing::Test {
 protected:
  HeaderPlaceTest() {
    image.add_key(0, "old");
    header = loaded(image.bytes());
    options.headers = {folder.file("header")};
  }
  void put(const std::string& name, const Bytes& bytes) const {
    std::ofstream(folder.file(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  Bytes content(const std::string& name) const {
    std::ifstream file(folder.file(name), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return testing::to_bytes(text);
  }
  // With another secret in key slot 0.
  Bytes newer() const {
    Luks2Image other = image;
    other.add_key(0, "new");
    ++other.sequence;
    return other.bytes();
  }
  HeaderPlace place() const {
    return HeaderPlace(options, header, [](const std::string&) {});
  }

  testing::TempDir folder;
  Luks2Image image;
  LoadedHeader header;
  ExportOptions options;
};

TEST_F(HeaderPlaceTest, AFileThatIsNotThereIsMade) {
  HeaderPlace nowhere = place();
  EXPECT_EQ(nowhere.current(), nullptr);
  EXPECT_EQ(nowhere.usual_keep_path({}), "");
  EXPECT_NO_THROW(nowhere.check_same_volume());
  nowhere.put();
  EXPECT_EQ(content("header"), header.image);
}

TEST_F(HeaderPlaceTest, AFileOfItsOwnIsReplaced) {
  put("header", newer());
  HeaderPlace file = place();
  EXPECT_FALSE(file.needs_keep_path());
  EXPECT_EQ(file.usual_keep_path({}), folder.file("header.old-19700101T000000Z"));
  put("header.old-19700101T000000Z", {});
  EXPECT_EQ(file.usual_keep_path({}), folder.file("header.old-19700101T000000Z-2"));
  EXPECT_NO_THROW(file.check_same_volume());
  file.keep(folder.file("kept"));
  file.put();
  EXPECT_EQ(content("header"), header.image);
  EXPECT_EQ(content("kept"), newer());
}

TEST_F(HeaderPlaceTest, WhatIsBehindTheHeaderStays) {
  Bytes volume = newer();
  const Bytes data = testing::pattern(10000);
  volume.insert(volume.end(), data.begin(), data.end());
  put("header", volume);
  HeaderPlace file = place();
  EXPECT_TRUE(file.needs_keep_path());
  file.put();
  Bytes expected = header.image;
  expected.insert(expected.end(), data.begin(), data.end());
  EXPECT_EQ(content("header"), expected);
}

TEST_F(HeaderPlaceTest, AFileWithTwoNamesKeepsBoth) {
  put("header", newer());
  ASSERT_EQ(::link(folder.file("header").c_str(), folder.file("other").c_str()), 0);
  HeaderPlace file = place();
  EXPECT_TRUE(file.needs_keep_path());
  file.put();
  EXPECT_EQ(content("other"), header.image);
}

TEST_F(HeaderPlaceTest, ADamagedHeaderIsNotComparable) {
  put("header", testing::pattern(100000));
  expect_error(ErrorKind::policy, "no intact header", [&] { place().check_same_volume(); });
  EXPECT_NE(place().damage(), "");
}

TEST_F(HeaderPlaceTest, AnotherVolumesHeaderIsNoticed) {
  image.metadata["segments"]["0"]["sector_size"] = 4096;
  put("header", newer());
  expect_error(ErrorKind::policy, "sector size", [&] { place().check_same_volume(); });
}

TEST_F(HeaderPlaceTest, WhatWasKeptBeforeAnInterruptionStays) {
  put("header", newer());
  place().keep(folder.file("kept"));
  // Half of it is written.
  Bytes mixture = newer();
  std::copy_n(header.image.begin() + 32768, 50000 / 512 * 512, mixture.begin() + 32768);
  put("header", mixture);
  EXPECT_NO_THROW(place().keep(folder.file("kept")));
  EXPECT_EQ(content("kept"), newer());
}

TEST_F(HeaderPlaceTest, WhatElseIsThereIsNotOverwritten) {
  put("header", newer());
  put("kept", testing::pattern(header.image.size()));
  expect_error(ErrorKind::policy, "something else", [&] { place().keep(folder.file("kept")); });
  EXPECT_EQ(content("kept"), testing::pattern(header.image.size()));
}

TEST_F(HeaderPlaceTest, APlaceThatIsTooSmallIsRefused) {
  put("header", Bytes(1000));
  ASSERT_EQ(::link(folder.file("header").c_str(), folder.file("other").c_str()), 0);
  expect_error(ErrorKind::usage, "has 1000 bytes", [&] { place(); });
}

}  // namespace
}  // namespace luksdetached::edit
