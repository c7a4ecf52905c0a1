#include "base/unix_listener.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {
namespace {

class ListenUnixTest : public ::testing::Test {
 protected:
  ListenUnixTest() {
    char name[] = "/tmp/luksdetached-listen-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/socket";
  }
  ~ListenUnixTest() override { std::filesystem::remove_all(directory_); }

  struct stat info() const {
    struct stat found {};
    EXPECT_EQ(lstat(path_.c_str(), &found), 0);
    return found;
  }

  std::string complaint(const SocketPermissions& permissions = {}) const {
    try {
      listen_unix("the door", path_, permissions);
    } catch (const Error& error) {
      return error.what();
    }
    return "good";
  }

  std::string directory_;
  std::string path_;
};

TEST_F(ListenUnixTest, TheModeIsAsAskedForWhateverTheUmask) {
  for (const mode_t mask : {0000, 0022, 0077, 0777}) {
    for (const mode_t mode : {0600, 0660, 0666, 0777}) {
      const mode_t before = umask(mask);
      const FileDescriptor listener = listen_unix("the door", path_, {.mode = mode});
      umask(before);
      EXPECT_EQ(info().st_mode & 07777, mode) << std::oct << mode << " with umask " << mask;
      EXPECT_TRUE(connect_unix(new_unix_socket(), path_));
      unlink(path_.c_str());
    }
  }
}

TEST_F(ListenUnixTest, BelongsToThisProcessOrWhomItIsGivenTo) {
  {
    const FileDescriptor listener = listen_unix("the door", path_, {});
    EXPECT_EQ(info().st_uid, geteuid());
  }
  if (geteuid() != 0) {
    EXPECT_EQ(complaint({.owner = geteuid() + 1}),
              "cannot set owner and mode of the door " + path_ + ": Operation not permitted");
    EXPECT_FALSE(std::filesystem::exists(path_));
    return;
  }
  const FileDescriptor listener = listen_unix("the door", path_, {.owner = 1234, .group = 5678});
  EXPECT_EQ(info().st_uid, 1234u);
  EXPECT_EQ(info().st_gid, 5678u);
}

TEST_F(ListenUnixTest, ReplacesADeadSocketAndNothingElse) {
  { const FileDescriptor dead = listen_unix("the door", path_, {}); }
  const FileDescriptor listener = listen_unix("the door", path_, {});
  const std::string in_use = "cannot bind the door " + path_ + ": Address already in use";
  EXPECT_EQ(complaint(), in_use);
  EXPECT_TRUE(connect_unix(new_unix_socket(), path_)) << "did harm to the live one";
  unlink(path_.c_str());
  std::ofstream(path_) << "mine";
  EXPECT_EQ(complaint(), in_use);
  EXPECT_EQ(std::filesystem::file_size(path_), 4u);
}

}  // namespace
}  // namespace luksdetached
