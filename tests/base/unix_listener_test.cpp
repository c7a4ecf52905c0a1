#include "base/unix_listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

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
      const UnixListener listener = listen_unix("the door", path_, {.mode = mode});
      umask(before);
      EXPECT_EQ(info().st_mode & 07777, mode) << std::oct << mode << " with umask " << mask;
      EXPECT_TRUE(connect_unix(new_unix_socket(), path_));
      unlink(path_.c_str());
    }
  }
}

TEST_F(ListenUnixTest, BelongsToThisProcessOrWhomItIsGivenTo) {
  {
    const UnixListener listener = listen_unix("the door", path_, {});
    EXPECT_EQ(info().st_uid, geteuid());
  }
  if (geteuid() != 0) {
    EXPECT_EQ(complaint({.owner = geteuid() + 1}),
              "cannot set owner and mode of the door " + path_ + ": Operation not permitted");
    EXPECT_FALSE(std::filesystem::exists(path_));
    return;
  }
  const UnixListener listener = listen_unix("the door", path_, {.owner = 1234, .group = 5678});
  EXPECT_EQ(info().st_uid, 1234u);
  EXPECT_EQ(info().st_gid, 5678u);
}

TEST_F(ListenUnixTest, ReplacesADeadSocketAndNothingElse) {
  { const UnixListener dead = listen_unix("the door", path_, {}); }
  const UnixListener listener = listen_unix("the door", path_, {});
  const std::string in_use = "cannot bind the door " + path_ + ": Address already in use";
  EXPECT_EQ(complaint(), in_use);
  EXPECT_TRUE(connect_unix(new_unix_socket(), path_)) << "did harm to the live one";
  unlink(path_.c_str());
  std::ofstream(path_) << "mine";
  EXPECT_EQ(complaint(), in_use);
  EXPECT_EQ(std::filesystem::file_size(path_), 4u);
}

TEST_F(ListenUnixTest, RemovesItsOwnFileAlone) {
  const UnixListener listener = listen_unix("the door", path_, {});
  std::filesystem::rename(path_, path_ + ".mine");
  std::ofstream(path_) << "another's";
  listener.file.remove();
  EXPECT_TRUE(std::filesystem::exists(path_));
  std::filesystem::rename(path_ + ".mine", path_);
  listener.file.remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// Whoever owns the folder can do that, and root gives sockets away.
TEST_F(ListenUnixTest, AFileThatIsPutInItsPlaceMeanwhileKeepsItsPermissions) {
  const std::string victim = directory_ + "/victim";
  std::ofstream(victim) << "precious";
  std::filesystem::permissions(victim, std::filesystem::perms::owner_read);
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    const std::string link = directory_ + "/link";
    while (!stop) {
      if (symlink(victim.c_str(), link.c_str()) == 0) rename(link.c_str(), path_.c_str());
    }
  });
  for (int tries = 0; tries < 2000; ++tries) {
    unlink(path_.c_str());
    complaint({.mode = 0777});
  }
  stop = true;
  attacker.join();
  struct stat found {};
  ASSERT_EQ(stat(victim.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0400u);
}

// The second of two services that are started at once.
TEST_F(ListenUnixTest, TakesNoSocketThatAnotherOneIsAboutToListenOn) {
  const FileDescriptor folder(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(folder.get(), LOCK_EX), 0);  // as the first one has it
  const FileDescriptor first = new_unix_socket();
  const sockaddr_un address = unix_address(path_);
  ASSERT_EQ(bind(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    listen(first.get(), 1);
    flock(folder.get(), LOCK_UN);
  });
  EXPECT_EQ(complaint(), "cannot bind the door " + path_ + ": Address already in use");
  opener.join();
  EXPECT_TRUE(is_live_socket(path_));
}

TEST_F(ListenUnixTest, WhoDoesNotAcceptListensAllTheSame) {
  const FileDescriptor busy = new_unix_socket();
  const sockaddr_un address = unix_address(path_);
  ASSERT_EQ(bind(busy.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(busy.get(), 0), 0);
  const FileDescriptor waiting = new_unix_socket();
  ASSERT_TRUE(connect_unix(waiting, path_));
  EXPECT_TRUE(is_live_socket(path_));
  EXPECT_EQ(complaint(), "cannot bind the door " + path_ + ": Address already in use");
}

}  // namespace
}  // namespace luksdetached
