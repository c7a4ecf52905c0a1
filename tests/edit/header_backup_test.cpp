#include "server/edit/header_backup.h"

#include <gtest/gtest.h>

#include <fstream>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;

class HeaderBackup : public ::testing::Test {
 protected:
  HeaderBackup() { image.add_key(0, "secret"); }
  std::string file_with(const Bytes& bytes) const {
    std::ofstream(folder.file("backup"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return folder.file("backup");
  }
  luks::Header header() const { return loaded(image.bytes()).header; }

  testing::TempDir folder;
  Luks2Image image;
};

TEST_F(HeaderBackup, EndsWithAWholePage) {
  Luks1Image luks1;
  luks1.add_key(0, "secret");
  const LoadedHeader header = loaded(luks1.bytes);
  ASSERT_NE(header.header.end % 4096, 0U);
  const Bytes backup = backup_image(header);
  EXPECT_EQ(backup.size() % 4096, 0U);
  EXPECT_TRUE(std::equal(header.image.begin(), header.image.end(), backup.begin()));
  EXPECT_EQ(backup.back(), std::byte{0});
}

TEST_F(HeaderBackup, MayHaveANameThatNobodyHas) {
  EXPECT_EQ(check_replaceable(folder.file("none"), header(), false), Existing::refused);
}

TEST_F(HeaderBackup, ReplacesOneOfTheSameVolumeOnlyIfItShall) {
  const std::string path = file_with(image.bytes());
  expect_error(ErrorKind::policy, "of this volume already",
               [&] { check_replaceable(path, header(), false); });
  EXPECT_EQ(check_replaceable(path, header(), true), Existing::replaced);
}

TEST_F(HeaderBackup, NeverReplacesAnotherVolumes) {
  Luks2Image other;
  other.add_key(0, "secret");
  other.metadata["segments"]["0"]["sector_size"] = 4096;
  const std::string path = file_with(other.bytes());
  for (const bool force : {false, true}) {
    expect_error(ErrorKind::policy, "another volume",
                 [&] { check_replaceable(path, header(), force); });
  }
}

TEST_F(HeaderBackup, ReplacesWhatIsNoHeaderOnlyIfItShall) {
  const std::string path = file_with(testing::pattern(100));
  expect_error(ErrorKind::policy, "no backup", [&] { check_replaceable(path, header(), false); });
  EXPECT_EQ(check_replaceable(path, header(), true), Existing::replaced);
}

TEST_F(HeaderBackup, ReplacesFilesOnly) {
  expect_error(ErrorKind::usage, "no regular file",
               [&] { check_replaceable(folder.file(""), header(), true); });
}

}  // namespace
}  // namespace luksdetached::edit
