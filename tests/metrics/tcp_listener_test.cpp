#include "metrics/tcp_listener.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

namespace luksdetached {
namespace {

std::uint16_t port_of(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

TEST(TcpListener, ListensAtItsAddressAlone) {
  const FileDescriptor listener = listen_on_tcp("the test", "127.0.0.1", 0, Reach::this_machine);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_of(listener));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  const FileDescriptor other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(connect(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

TEST(TcpListener, SaysWhatItCannotDo) {
  const FileDescriptor first = listen_on_tcp("the test", "127.0.0.1", 0, Reach::this_machine);
  const std::uint16_t port = port_of(first);
  try {
    listen_on_tcp("the test", "127.0.0.1", port, Reach::this_machine);
    FAIL() << "bound twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
    EXPECT_EQ(error.what(), "cannot listen for the test on 127.0.0.1 port " + std::to_string(port) +
                                ": Address already in use");
  }
}

TEST(TcpListener, IsNotReachedFromFurtherThanItMay) {
  EXPECT_THROW(listen_on_tcp("the test", "0.0.0.0", 0, Reach::this_machine), Error);
  EXPECT_TRUE(listen_on_tcp("the test", "0.0.0.0", 0, Reach::everywhere));
}

TEST(TcpListener, KnowsNoHostWithoutAddress) {
  EXPECT_THROW(listen_on_tcp("the test", "no-such-host.invalid", 1, Reach::everywhere), Error);
}

}  // namespace
}  // namespace luksdetached
