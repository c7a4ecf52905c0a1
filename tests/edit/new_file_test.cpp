#include "server/edit/new_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../base/testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::pattern;
using testing::TempDir;
using testing::to_bytes;

class NewFileTest : public ::testing::Test {
 protected:
  // What is there, by name; in "old" the word old.
  std::size_t files() const {
    const std::filesystem::directory_iterator all(folder.file(""));
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  std::string content(const std::string& name) const {
    std::ifstream file(folder.file(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void make(const std::string& name, Existing existing) const {
    NewFile file(folder.file(name));
    file.write(to_bytes("new"));
    file.publish(existing);
  }

  TempDir folder;
};

TEST_F(NewFileTest, IsForItsOwnerAlone) {
  make("a", Existing::refused);
  EXPECT_EQ(content("a"), "new");
  struct stat status = {};
  ASSERT_EQ(::stat(folder.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(NewFileTest, LeavesNothingWhenItIsGivenUp) {
  {
    NewFile file(folder.file("a"));
    file.write(pattern(100000));
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(NewFileTest, LeavesNothingWhenASignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        NewFile file(folder.file("a"));
        std::raise(SIGINT);
        file.write(pattern(100000));
      },
      ::testing::KilledBySignal(SIGINT), "");
  EXPECT_EQ(files(), 0U);
  EXPECT_EXIT(
      {
        NewFile file(folder.file("a"));
        file.write(to_bytes("new"));
        std::raise(SIGINT);
        file.publish(Existing::refused);
      },
      ::testing::KilledBySignal(SIGINT), "");
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(content("a"), "new");
}

TEST_F(NewFileTest, ReplacesOnlyWhatItMay) {
  std::ofstream(folder.file("old")) << "old";
  expect_error(ErrorKind::io, "File exists", [&] { make("old", Existing::refused); });
  EXPECT_EQ(content("old"), "old");
  EXPECT_EQ(files(), 1U);
  make("old", Existing::replaced);
  EXPECT_EQ(content("old"), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(NewFileTest, CanHaveAnotherMode) {
  NewFile file(folder.file("a"));
  file.give_to({::getuid(), ::getgid(), 0640});
  file.publish(Existing::refused);
  struct stat status = {};
  ASSERT_EQ(::stat(folder.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
}

TEST_F(NewFileTest, CanHaveASizeWithoutStorage) {
  NewFile file(folder.file("a"));
  file.resize(1 << 30);
  file.publish(Existing::refused);
  EXPECT_EQ(std::filesystem::file_size(folder.file("a")), 1U << 30);
}

TEST_F(NewFileTest, NeedsAFolder) {
  expect_error(ErrorKind::io, "No such file", [&] { NewFile file(folder.file("none/a")); });
}

}  // namespace
}  // namespace luksdetached::edit
