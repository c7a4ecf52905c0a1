#include "source/nbd_lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "fake_nbd_server.h"
#include "testing.h"

namespace luksdetached {
namespace {

using namespace std::chrono_literals;
using testing::Bytes;
using testing::error_of;
using testing::FakeNbdBehaviour;
using testing::FakeNbdServer;
using testing::flag_has_flags;
using testing::flag_multi_conn;

constexpr FakeNbdBehaviour many = {.flags = flag_has_flags | flag_multi_conn};

NbdConnection::Clock::time_point soon() {
  return NbdConnection::Clock::now() + 30s;
}

class NbdLanesTest : public ::testing::Test {
 protected:
  NbdLanes& connect(const FakeNbdBehaviour& behaviour, unsigned most,
                    const NbdDeadlines& deadlines = {}) {
    server_.emplace(behaviour);
    NbdAddress address(parse_uri(server_->uri()), NbdHoles::unwanted);
    return lanes_.emplace(address, most, deadlines);
  }

  std::optional<FakeNbdServer> server_;
  std::optional<NbdLanes> lanes_;
};

TEST_F(NbdLanesTest, AreAsManyAsAreWanted) {
  EXPECT_EQ(connect(many, 3).count(), 3u);
  EXPECT_EQ(server_->connections(), 3u);
}

TEST_F(NbdLanesTest, AreOneWhereNoMoreAreOffered) {
  EXPECT_EQ(connect({}, 3).count(), 1u);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(NbdLanesTest, AreOnlyThoseThatTheServerTakes) {
  FakeNbdBehaviour full = many;
  full.answer_connections = 2;
  EXPECT_EQ(connect(full, 4, {.connect = 500ms}).count(), 2u);
}

TEST_F(NbdLanesTest, MustNotDiffer) {
  FakeNbdBehaviour differing = many;
  differing.size_step = 512;
  EXPECT_EQ(error_of([&] { connect(differing, 2); }).kind(), ErrorKind::source_unreachable);
}

TEST_F(NbdLanesTest, KnowTheLimits) {
  const NbdLimits& limits =
      connect({.size = 10'000, .minimum_block = 4'096, .maximum_block = 65'536}, 1).limits();
  EXPECT_EQ(limits.block_size, 4'096u);
  EXPECT_EQ(limits.size, 8'192u);
  EXPECT_EQ(limits.unreachable_bytes, 1'808u);
  EXPECT_EQ(limits.max_request, 65'536u);
}

TEST_F(NbdLanesTest, ATurnTakesTheLeastBusyOne) {
  NbdLanes& lanes = connect(many, 3);
  NbdLanes::Turn first(lanes), second(lanes), third(lanes);
  EXPECT_NE(first.operator->(), second.operator->());
  EXPECT_NE(first.operator->(), third.operator->());
  EXPECT_NE(second.operator->(), third.operator->());
  auto fourth = std::make_unique<NbdLanes::Turn>(lanes);
  NbdConnection* const doubled = fourth->operator->();
  NbdLanes::Turn fifth(lanes), sixth(lanes);
  EXPECT_NE(fifth.operator->(), doubled);
  EXPECT_NE(sixth.operator->(), doubled);
  fourth.reset();
  EXPECT_EQ(NbdLanes::Turn(lanes).operator->(), doubled);
}

TEST_F(NbdLanesTest, OneThatIsLostIsTold) {
  NbdLanes& lanes = connect(many, 3);
  std::atomic<int> losses = 0;
  lanes.start([&] { ++losses; });
  EXPECT_FALSE(lanes.lost());
  server_->drop(1);
  for (int tries = 0; losses == 0 && tries < 500; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(losses, 1);
  EXPECT_TRUE(lanes.lost());
}

TEST_F(NbdLanesTest, AreGivenUpTogether) {
  NbdLanes& lanes = connect(many, 3);
  std::atomic<int> losses = 0;
  lanes.start([&] { ++losses; });
  lanes.give_up();
  Bytes back(512);
  for (int i = 0; i < 6; ++i) {
    EXPECT_THROW(NbdLanes::Turn(lanes)->read(back, 0, soon()), ConnectionLost);
  }
  for (int tries = 0; losses < 3 && tries < 500; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(losses, 3);
}

}  // namespace
}  // namespace luksdetached
