#include "server/copy/unfinished_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../base/testing.h"

namespace luksdetached::copy {
namespace {

using testing::expect_error;
using testing::TempDir;

TEST(UnfinishedFile, IsMadeForItsOwnerAloneAndFoundAgain) {
  const TempDir folder;
  const std::string path = folder.file("a");
  EXPECT_EQ(make_unfinished(path, 1 << 30), Target::zeros);
  EXPECT_FALSE(exists(path));
  struct stat status = {};
  ASSERT_EQ(::stat(unfinished_path(path).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_size, 1 << 30);
  EXPECT_LT(status.st_blocks, 100);
  EXPECT_EQ(make_unfinished(path, 1 << 30), Target::earlier);
}

TEST(UnfinishedFile, OneThatOthersMayReadOrHaveIsNotTaken) {
  const TempDir folder;
  const std::string path = folder.file("a");
  make_unfinished(path, 512);
  ASSERT_EQ(::chmod(unfinished_path(path).c_str(), 0640), 0);
  expect_error(ErrorKind::usage, "this user alone", [&] { make_unfinished(path, 512); });
  ASSERT_EQ(::chmod(unfinished_path(path).c_str(), 0600), 0);
  ASSERT_EQ(::link(unfinished_path(path).c_str(), folder.file("other").c_str()), 0);
  expect_error(ErrorKind::usage, "this user alone", [&] { make_unfinished(path, 512); });
}

TEST(UnfinishedFile, OneThatWasCutOffWhenItWasMadeIsFilled) {
  const TempDir folder;
  std::ofstream(folder.file("a.unfinished")).flush();
  ASSERT_EQ(::chmod(folder.file("a.unfinished").c_str(), 0600), 0);
  EXPECT_EQ(make_unfinished(folder.file("a"), 512), Target::zeros);
  EXPECT_EQ(std::filesystem::file_size(folder.file("a.unfinished")), 512U);
}

TEST(UnfinishedFile, OneOfAnotherSizeStays) {
  const TempDir folder;
  make_unfinished(folder.file("a"), 1024);
  expect_error(ErrorKind::usage, "remove it to begin anew",
               [&] { make_unfinished(folder.file("a"), 512); });
  EXPECT_EQ(std::filesystem::file_size(folder.file("a.unfinished")), 1024U);
}

TEST(UnfinishedFile, IsNotWrittenThroughALink) {
  const TempDir folder;
  std::ofstream(folder.file("other")).flush();
  ASSERT_EQ(::symlink(folder.file("other").c_str(), folder.file("a.unfinished").c_str()), 0);
  expect_error(ErrorKind::io, "cannot make", [&] { make_unfinished(folder.file("a"), 512); });
  EXPECT_EQ(std::filesystem::file_size(folder.file("other")), 0U);
}

TEST(UnfinishedFile, GetsItsName) {
  const TempDir folder;
  make_unfinished(folder.file("a"), 512);
  finish(folder.file("a"), edit::Existing::refused);
  EXPECT_TRUE(exists(folder.file("a")));
  EXPECT_FALSE(exists(folder.file("a.unfinished")));
}

TEST(UnfinishedFile, DoesNotTakeTheNameOfAnother) {
  const TempDir folder;
  make_unfinished(folder.file("a"), 512);
  std::ofstream(folder.file("a")) << "other";
  expect_error(ErrorKind::io, "File exists",
               [&] { finish(folder.file("a"), edit::Existing::refused); });
  EXPECT_EQ(std::filesystem::file_size(folder.file("a")), 5U);
  finish(folder.file("a"), edit::Existing::replaced);
  EXPECT_EQ(std::filesystem::file_size(folder.file("a")), 512U);
}

}  // namespace
}  // namespace luksdetached::copy
