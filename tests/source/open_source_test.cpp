#include "source/open_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "real_nbd_server.h"
#include "testing.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::error_of;
using ::testing::HasSubstr;
using testing::pattern;
using testing::RealNbdServer;

TEST(OpenSource, OpensAPathAndAFileUri) {
  const testing::TempDir dir;
  std::ofstream(dir.file("disk")) << "0123456789";
  EXPECT_EQ(open_source(dir.file("disk"), {})->size(), 10u);
  EXPECT_EQ(open_source("file://" + dir.file("disk"), {})->size(), 10u);
}

TEST(OpenSource, PassesAccessAndLockToAFile) {
  const testing::TempDir dir;
  std::ofstream(dir.file("disk")) << "0123456789";
  const auto first = open_source(dir.file("disk"), {.access = Access::read_write});
  EXPECT_TRUE(first->writable());
  EXPECT_EQ(error_of([&] { open_source(dir.file("disk"), {.access = Access::read_write}); }).kind(),
            ErrorKind::payload_in_use);
  EXPECT_NO_THROW(open_source(dir.file("disk"), {.access = Access::read_write, .lock = false}));
}

TEST(OpenSource, OpensAnNbdExport) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  EXPECT_EQ(open_source(server.uri(), {})->size(), 1u << 20);
}

TEST(OpenSource, RefusesAnUnverifiedServerBeforeItConnects) {
  EXPECT_EQ(error_of([] { open_source("nbds://127.0.0.1:1/", {}); }).kind(), ErrorKind::policy);
  EXPECT_EQ(error_of([] { open_source("nbds://127.0.0.1:1/", {.insecure = true}); }).kind(),
            ErrorKind::source_unreachable);
}

TEST(OpenSource, TakesUnalignedRequestsToAServerOfLargeBlocks) {
  RealNbdServer server(RealNbdServer::nbdkit(
      {"--filter=blocksize-policy", "memory", "1M", "blocksize-minimum=4096",
       "blocksize-preferred=4096", "blocksize-maximum=1M", "blocksize-error-policy=error"}));
  const auto source = open_source(server.uri(), {.access = Access::read_write, .connections = 4});
  source->start();
  std::vector<std::thread> writers;
  for (unsigned self = 0; self < 8; ++self) {
    writers.emplace_back([&source, self] {
      for (unsigned piece = self; piece < 512; piece += 8) {
        source->write(pattern(512, piece), piece * 512, Durability::cached);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (unsigned piece = 0; piece < 512; ++piece) {
    Bytes back(512);
    source->read(back, piece * 512);
    ASSERT_EQ(back, pattern(512, piece)) << piece;
  }
}

}  // namespace
}  // namespace luksdetached
