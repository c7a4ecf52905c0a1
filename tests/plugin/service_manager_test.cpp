#include "service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/file_descriptor.h"
#include "base/unix_socket.h"

namespace luksdetached {
namespace {

// A service manager, as far as it listens.
class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() {
    char name[] = "/tmp/luksdetached-notify-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    const std::string path = directory_ + "/notify.sock";
    const sockaddr_un address = unix_address(path);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~ServiceManagerTest() override {
    unsetenv("NOTIFY_SOCKET");
    std::filesystem::remove_all(directory_);
  }

  // The next message; empty when there is none.
  std::string heard() const {
    char buffer[4096];
    const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return {buffer, got < 0 ? 0 : static_cast<std::size_t>(got)};
  }

  std::string directory_;
  FileDescriptor socket_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_F(ServiceManagerTest, HearsWhichProcessIsReady) {
  notify_ready("2 exports: 2 open");
  EXPECT_EQ(heard(), "READY=1\nMAINPID=" + std::to_string(getpid()) + "\nSTATUS=2 exports: 2 open");
}

// Nobody is to wait for it: neither clients nor whoever stops the service.
TEST_F(ServiceManagerTest, WhenItDoesNotListenTheServiceGoesOn) {
  for (int n = 0; n < 2000; ++n) notify_status("1 export: 1 open");
  const auto begin = std::chrono::steady_clock::now();
  notify_stopping();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(ServiceManagerTest, MayHaveAnAbstractSocket) {
  const std::string name = "luksdetached-test-" + std::to_string(getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const FileDescriptor abstract(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(bind(abstract.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  notify_status("1 export: 1 open");
  char heard[100];
  EXPECT_EQ(recv(abstract.get(), heard, sizeof heard, MSG_DONTWAIT), 23);
}

TEST_F(ServiceManagerTest, HearsChanges) {
  notify_status("1 export: 1 failed");
  EXPECT_EQ(heard(), "STATUS=1 export: 1 failed");
}

// systemd takes the end of a reload only for one that begins after it asked for it.
TEST_F(ServiceManagerTest, HearsWhenAReloadBegins) {
  notify_reloading();
  const std::string said = heard();
  const std::string start = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_TRUE(said.starts_with(start)) << said;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  const std::int64_t then = std::stoll(said.substr(start.size()));
  EXPECT_LE(then, microseconds);
  EXPECT_GE(then, microseconds - 60'000'000);
}

TEST_F(ServiceManagerTest, HearsOfTheEnd) {
  notify_stopping();
  EXPECT_TRUE(heard().starts_with("STOPPING=1\n"));
}

TEST_F(ServiceManagerTest, IsNotMissedWhereThereIsNone) {
  unsetenv("NOTIFY_SOCKET");
  notify_ready("");
  notify_reloading();
  notify_stopping();
  EXPECT_EQ(heard(), "");
}

ExportStatus in_state(ExportState state) {
  ExportStatus status;
  status.state = state;
  return status;
}

TEST(StatusLine, CountsStates) {
  EXPECT_EQ(status_line({}), "0 exports");
  EXPECT_EQ(status_line({in_state(ExportState::waiting)}), "1 export: 1 waiting");
  EXPECT_EQ(status_line({in_state(ExportState::failed), in_state(ExportState::open),
                         in_state(ExportState::open), in_state(ExportState::waiting)}),
            "4 exports: 2 open, 1 waiting, 1 failed");
}

}  // namespace
}  // namespace luksdetached
