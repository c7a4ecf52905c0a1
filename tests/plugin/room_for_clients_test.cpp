#include "room_for_clients.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/file_descriptor.h"

namespace luksdetached {
namespace {

TEST(RoomForClients, EndsBeforeTheDescriptorsDo) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (const rlim_t most : {64, 400}) {
    const rlimit limit{most, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    std::vector<FileDescriptor> clients;
    while (has_room_for_clients()) {
      clients.emplace_back(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
      ASSERT_TRUE(clients.back());
    }
    const rlim_t left = most - static_cast<rlim_t>(clients.back().get()) - 1;
    EXPECT_EQ(left, std::min<rlim_t>(most / 4, 64)) << "of " << most;
    EXPECT_GT(clients.size(), most / 4);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace luksdetached
