#include "server/listeners.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace luksdetached {
namespace {

using Kind = Listener::Kind;

// A port of 127.0.0.1 on which somebody listens as long as it lives.
class TakenPort {
 public:
  TakenPort() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_.get(), 1), 0);
    EXPECT_EQ(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::uint32_t number() const { return port_; }

 private:
  FileDescriptor fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint32_t port_ = 0;
};

class ListenersTest : public ::testing::Test {
 protected:
  ListenersTest() {
    char name[] = "/tmp/luksdetached-listeners-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  ~ListenersTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const char* name) const { return directory_ + "/" + name; }

  // What is said when `config` is listened on, or "good".
  static std::string complaint(const ServiceConfig& config) {
    Listeners listeners;
    try {
      listeners.open(config, std::nullopt);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "good";
  }

  std::string directory_;
  ServiceConfig config_;
};

TEST_F(ListenersTest, AllAreHadOrNone) {
  config_.listen = {{.path = path("a")}, {.path = path("b")}};
  Listeners listeners;
  listeners.open(config_, std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(path("a")));

  config_.listen = {{.path = path("c")}, {.path = path("b")}};
  EXPECT_EQ(complaint(config_), "another process serves on " + path("b") + " already");
  EXPECT_FALSE(std::filesystem::exists(path("c")));
  EXPECT_TRUE(std::filesystem::exists(path("b")));

  const TakenPort port;
  config_.listen = {{.path = path("c")},
                    {.kind = Kind::tcp, .host = "127.0.0.1", .port = port.number()}};
  EXPECT_EQ(complaint(config_), "cannot listen on tcp:127.0.0.1:" + std::to_string(port.number()) +
                                    ": Address already in use");
  EXPECT_FALSE(std::filesystem::exists(path("c")));
}

TEST_F(ListenersTest, WhereTheyAreNotHandedOnTheyAreGone) {
  config_.listen = {{.path = path("a")}};
  EXPECT_EQ(complaint(config_), "good");
  EXPECT_FALSE(std::filesystem::exists(path("a")));
}

TEST_F(ListenersTest, UsersMustExist) {
  config_.listen = {{.path = path("a"), .owner = "no one"}};
  EXPECT_EQ(complaint(config_), "there is no user 'no one' on this machine");
  config_.listen = {{.path = path("a"), .group = "no one"}};
  EXPECT_EQ(complaint(config_), "there is no group 'no one' on this machine");
  EXPECT_FALSE(std::filesystem::exists(path("a")));
}

// The config cannot know what a name is, or what systemd made.
TEST_F(ListenersTest, WhatOtherMachinesReachNeedsTlsThatVerifies) {
  std::uint32_t free_port = 0;
  {
    const TakenPort port;
    free_port = port.number();
  }
  config_.listen = {{.kind = Kind::tcp, .host = "0.0.0.0", .port = free_port}};
  const std::string refusal =
      "tcp:0.0.0.0:" + std::to_string(free_port) +
      " is reached from beyond this machine; that needs tls = \"require\" with tls-verify-peer = "
      "true or tls-psk, or insecure = true";
  EXPECT_EQ(complaint(config_), refusal);
  config_.tls = TlsMode::require;
  EXPECT_EQ(complaint(config_), refusal);
  config_.tls_verify_peer = true;
  EXPECT_EQ(complaint(config_), "good");
  config_.tls = TlsMode::on;
  EXPECT_EQ(complaint(config_), refusal);
  config_.insecure = true;
  EXPECT_EQ(complaint(config_), "good");
}

}  // namespace
}  // namespace luksdetached
