#include "hang_up.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/unix_socket.h"

namespace luksdetached {
namespace {

// Both ends of one connection.
struct Pair {
  FileDescriptor server, client;
};

FileDescriptor limited(FileDescriptor fd) {
  EXPECT_TRUE(fd);
  const timeval limit{20, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return fd;
}

void send_text(const FileDescriptor& fd, std::string_view text) {
  EXPECT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
}

// What is there to read now; "nothing yet", or "the end".
std::string look(const FileDescriptor& fd, int flags = MSG_DONTWAIT) {
  std::array<char, 64> buffer{};
  const ssize_t got = recv(fd.get(), buffer.data(), buffer.size(), flags);
  if (got == 0) return "the end";
  return got < 0 ? "nothing yet" : std::string(buffer.data(), std::size_t(got));
}

class HangUpTest : public ::testing::Test {
 protected:
  HangUpTest() {
    char name[] = "/tmp/luksdetached-hang-up-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  ~HangUpTest() override { std::filesystem::remove_all(directory_); }

  FileDescriptor listen_unix(const std::string& name) const {
    FileDescriptor listener = new_unix_socket();
    const sockaddr_un address = unix_address(directory_ + "/" + name);
    EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener.get(), 8), 0);
    return listener;
  }

  Pair connect_unix_to(const FileDescriptor& listener, const std::string& name) const {
    Pair pair{{}, limited(new_unix_socket())};
    EXPECT_TRUE(connect_unix(pair.client, directory_ + "/" + name));
    pair.server = limited(FileDescriptor(accept(listener.get(), nullptr, nullptr)));
    return pair;
  }

  std::string directory_;
};

// On all addresses of this machine, IPv4 also through IPv6.
Pair connect_tcp(FileDescriptor& listener, int family) {
  listener = FileDescriptor(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int no = 0;
  setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener.get(), 8), 0);
  socklen_t size = sizeof address;
  EXPECT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Pair pair{{}, limited(FileDescriptor(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)))};
  if (family == AF_INET6) {
    address.sin6_addr = in6addr_loopback;
    EXPECT_EQ(connect(pair.client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  } else {
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_port = address.sin6_port;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(pair.client.get(), reinterpret_cast<sockaddr*>(&loopback), sizeof loopback),
              0);
  }
  pair.server = limited(FileDescriptor(accept(listener.get(), nullptr, nullptr)));
  return pair;
}

TEST_F(HangUpTest, StopsReadingFromUnixClients) {
  const FileDescriptor listener = listen_unix("nbd.sock");
  const Pair pair = connect_unix_to(listener, "nbd.sock");
  EXPECT_EQ(look(pair.server), "nothing yet");
  shut_down_clients(SHUT_RD);
  EXPECT_EQ(look(pair.server), "the end");
}

TEST_F(HangUpTest, StopsReadingFromTcpClients) {
  for (const int family : {AF_INET, AF_INET6}) {
    FileDescriptor listener;
    const Pair pair = connect_tcp(listener, family);
    EXPECT_EQ(look(pair.server), "nothing yet");
    shut_down_clients(SHUT_RD);
    EXPECT_EQ(look(pair.server), "the end");
  }
}

TEST_F(HangUpTest, WhatHasArrivedIsReadAndAnswered) {
  const FileDescriptor listener = listen_unix("nbd.sock");
  const Pair pair = connect_unix_to(listener, "nbd.sock");
  send_text(pair.client, "request");
  shut_down_clients(SHUT_RD);
  EXPECT_EQ(look(pair.server), "request");
  EXPECT_EQ(look(pair.server), "the end");
  send_text(pair.server, "answer");
  EXPECT_EQ(look(pair.client), "answer");
}

TEST_F(HangUpTest, AltogetherAlsoTheClientSeesTheEnd) {
  const FileDescriptor listener = listen_unix("nbd.sock");
  const Pair pair = connect_unix_to(listener, "nbd.sock");
  shut_down_clients(SHUT_RDWR);
  EXPECT_EQ(look(pair.client), "the end");
}

TEST_F(HangUpTest, LeavesOtherSocketsAlone) {
  const FileDescriptor listener = listen_unix("nbd.sock");
  // A connection that this process has made itself, as to a payload's server whose listener is not
  // here; one of no listener at all.
  Pair elsewhere;
  {
    const FileDescriptor other = listen_unix("storage.sock");
    elsewhere = connect_unix_to(other, "storage.sock");
  }
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Pair unnamed{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  const Pair client = connect_unix_to(listener, "nbd.sock");
  shut_down_clients(SHUT_RDWR);
  EXPECT_EQ(look(elsewhere.server), "nothing yet");
  EXPECT_EQ(look(elsewhere.client), "nothing yet");
  EXPECT_EQ(look(unnamed.server), "nothing yet");
  EXPECT_EQ(look(unnamed.client), "nothing yet");
  // The listener still takes clients.
  EXPECT_EQ(look(connect_unix_to(listener, "nbd.sock").server), "nothing yet");
}

std::atomic<int> signals = 0;

TEST_F(HangUpTest, ASignalReachesItsHandlerAndTheClients) {
  struct sigaction before {};
  struct sigaction counting {};
  counting.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(sigaction(SIGTERM, &counting, &before), 0);
  const FileDescriptor listener = listen_unix("nbd.sock");
  const Pair first = connect_unix_to(listener, "nbd.sock");
  std::atomic<int> told = 0;
  {
    const HangUpOnSignal hang_up([&told] { ++told; });
    EXPECT_EQ(look(first.server), "nothing yet");
    EXPECT_EQ(told, 0);
    raise(SIGTERM);
    EXPECT_EQ(signals, 1);
    EXPECT_EQ(look(first.server, 0), "the end");
    // Who is accepted later is not forgotten.
    EXPECT_EQ(look(connect_unix_to(listener, "nbd.sock").server, 0), "the end");
  }
  EXPECT_EQ(told, 1);
  raise(SIGTERM);
  EXPECT_EQ(signals, 2);
  EXPECT_EQ(look(connect_unix_to(listener, "nbd.sock").server), "nothing yet");
  sigaction(SIGTERM, &before, nullptr);
}

// nbdkit ignores none of them, but whoever started it may have it ignore one.
TEST_F(HangUpTest, AnIgnoredSignalStaysIgnored) {
  struct sigaction before {};
  struct sigaction ignoring {};
  ignoring.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGHUP, &ignoring, &before), 0);
  {
    const HangUpOnSignal hang_up;
    struct sigaction now {};
    ASSERT_EQ(sigaction(SIGHUP, nullptr, &now), 0);
    EXPECT_EQ(now.sa_handler, SIG_IGN);
  }
  sigaction(SIGHUP, &before, nullptr);
}

}  // namespace
}  // namespace luksdetached
