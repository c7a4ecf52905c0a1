#include "own_sockets.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/unix_listener.h"

namespace luksdetached {
namespace {

// Where nbdkit has the sockets that it was given. The test's own descriptors come back afterwards.
class OwnSocketsTest : public ::testing::Test {
 protected:
  OwnSocketsTest() {
    char name[] = "/tmp/luksdetached-own-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  ~OwnSocketsTest() override {
    close(place);
    if (before_ >= 0) dup2(before_, place);
    if (before_ >= 0) close(before_);
    std::filesystem::remove_all(directory_);
  }

  std::string path(const char* name) const { return directory_ + "/" + name; }

  // A socket that this process listens on is at `path` and at the first place.
  void listen_at(const std::string& path) {
    const int listener = listen_unix("the socket", path, {}).socket.release();
    if (listener == place) return;
    dup2(listener, place);
    close(listener);
  }

  static constexpr int place = 3;
  std::string directory_;
  int before_ = dup(place);
};

TEST_F(OwnSocketsTest, AreRemovedInTheEnd) {
  listen_at(path("a"));
  std::optional<OwnSockets> own(std::vector<Listener>{{.path = path("a")}});
  EXPECT_TRUE(std::filesystem::exists(path("a")));
  own.reset();
  EXPECT_FALSE(std::filesystem::exists(path("a")));
}

TEST_F(OwnSocketsTest, OnlyThoseOfTheConfig) {
  listen_at(path("a"));
  { const OwnSockets own({{.path = path("b")}, {.kind = Listener::Kind::systemd}}); }
  EXPECT_TRUE(std::filesystem::exists(path("a")));
}

TEST_F(OwnSocketsTest, WhatCameInTheirPlaceIsNot) {
  listen_at(path("a"));
  std::optional<OwnSockets> own(std::vector<Listener>{{.path = path("a")}});
  std::ofstream(path("new")) << "mine";
  std::filesystem::rename(path("new"), path("a"));
  own.reset();
  EXPECT_TRUE(std::filesystem::exists(path("a")));
}

TEST_F(OwnSocketsTest, OfAnotherProcessAreNot) {
  listen_at(path("a"));
  // The child has the socket, but it was its parent who listened, as systemd does.
  const pid_t child = fork();
  if (child == 0) {
    {
      const OwnSockets own({{.path = path("a")}});
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(path("a")));

  // And a child does not remove those of its parent.
  std::optional<OwnSockets> own(std::vector<Listener>{{.path = path("a")}});
  const pid_t second = fork();
  if (second == 0) {
    own.reset();
    _exit(0);
  }
  waitpid(second, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(path("a")));
}

}  // namespace
}  // namespace luksdetached
