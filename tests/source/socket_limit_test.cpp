#include "source/socket_limit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

namespace luksdetached {
namespace {

using namespace std::chrono_literals;
using Clock = SocketLimit::Clock;

class SocketLimitTest : public ::testing::Test {
 protected:
  SocketLimitTest() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw "socketpair";
    ours_ = FileDescriptor(ends[0]);
    peer_ = FileDescriptor(ends[1]);
  }

  // Within a time, a read from it would not wait.
  bool ends(std::chrono::milliseconds time) const {
    pollfd fd = {ours_.get(), POLLIN, 0};
    return ::poll(&fd, 1, static_cast<int>(time.count())) == 1;
  }

  FileDescriptor ours_, peer_;
};

TEST_F(SocketLimitTest, EndsAtTheDeadline) {
  const auto begin = Clock::now();
  const SocketLimit limit(ours_.get(), begin + 300ms, nullptr);
  EXPECT_TRUE(ends(5s));
  EXPECT_GE(Clock::now() - begin, 290ms);
}

TEST_F(SocketLimitTest, EndsWhenItIsCancelled) {
  const Event cancel;
  const SocketLimit limit(ours_.get(), Clock::now() + 1h, &cancel);
  EXPECT_FALSE(ends(100ms));
  cancel.happen();
  EXPECT_TRUE(ends(5s));
}

TEST_F(SocketLimitTest, CallsWaitMeanwhileAndNotAfterwards) {
  ::fcntl(ours_.get(), F_SETFL, O_NONBLOCK);
  const auto begin = Clock::now();
  char byte;
  {
    const SocketLimit limit(ours_.get(), begin + 300ms, nullptr);
    EXPECT_EQ(::recv(ours_.get(), &byte, 1, 0), 0);  // the end, not EAGAIN
  }
  EXPECT_GE(Clock::now() - begin, 290ms);
  EXPECT_EQ(::fcntl(ours_.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(SocketLimitTest, ASocketThatIsDoneInTimeGoesOn) {
  { const SocketLimit limit(ours_.get(), Clock::now() + 200ms, nullptr); }
  EXPECT_FALSE(ends(400ms));
}

}  // namespace
}  // namespace luksdetached
