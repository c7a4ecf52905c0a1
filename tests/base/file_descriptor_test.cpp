#include "base/file_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace luksdetached {
namespace {

int open_null() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return fcntl(fd, F_GETFD) != -1;
}

TEST(FileDescriptorTest, HoldsNothingByDefault) {
  const FileDescriptor none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.get(), -1);
}

TEST(FileDescriptorTest, ClosesWhatItOwns) {
  const int fd = open_null();
  {
    const FileDescriptor owner(fd);
    ASSERT_TRUE(owner);
    EXPECT_TRUE(is_open(owner.get()));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(FileDescriptorTest, OwnsDescriptorZeroLikeAnyOther) {
  const int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  ASSERT_NE(dup2(open_null(), STDIN_FILENO), -1);
  {
    const FileDescriptor owner(STDIN_FILENO);
    EXPECT_TRUE(owner);
  }
  EXPECT_FALSE(is_open(STDIN_FILENO));
  if (kept != -1) {
    ASSERT_EQ(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    close(kept);
  }
}

TEST(FileDescriptorTest, MovingLeavesTheSourceEmptyAndTheFileOpen) {
  FileDescriptor first(open_null());
  const int fd = first.get();
  const FileDescriptor second(std::move(first));
  EXPECT_EQ(second.get(), fd);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left is what is tested
  EXPECT_TRUE(is_open(fd));
}

TEST(FileDescriptorTest, AssigningClosesTheOldFileInTheEnd) {
  const int old_fd = open_null();
  const int new_fd = open_null();
  {
    FileDescriptor owner(old_fd);
    owner = FileDescriptor(new_fd);
    EXPECT_EQ(owner.get(), new_fd);
    EXPECT_FALSE(is_open(old_fd));
    EXPECT_TRUE(is_open(new_fd));
  }
  EXPECT_FALSE(is_open(new_fd));
}

}  // namespace
}  // namespace luksdetached
