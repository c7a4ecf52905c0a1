#include "source/nbd_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fake_nbd_server.h"
#include "own_server.h"
#include "testing.h"

namespace luksdetached {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using testing::Bytes;
using testing::error_of;
using testing::FakeNbdBehaviour;
using testing::FakeNbdServer;
using testing::flag_has_flags;
using testing::flag_multi_conn;
using testing::flag_read_only;
using testing::flag_send_flush;
using testing::flag_send_fua;
using testing::flag_send_trim;
using testing::OwnServer;
using testing::OwnServerTraits;

using Clock = NbdLink::Clock;
using Use = NbdLink::Use;

constexpr FakeNbdBehaviour usual = {.flags = flag_has_flags | flag_send_flush | flag_send_fua |
                                             flag_send_trim};

// Longer than any wait here, shorter than what would be a hang.
constexpr auto soon = 1500ms;
constexpr auto long_time = 10s;

class NbdLinkTest : public ::testing::Test {
 protected:
  // What was told, in one string.
  std::string news() {
    const std::scoped_lock lock(mutex_);
    return news_;
  }

  void link_to(std::unique_ptr<NbdConnector> connector, std::chrono::milliseconds patience,
               unsigned connections = 1) {
    link_.emplace(std::move(connector), NbdLinkOptions{.connections = connections,
                                                       .patience = patience,
                                                       .tell = [this](const std::string& text) {
                                                         const std::scoped_lock lock(mutex_);
                                                         news_ += text + "\n";
                                                       }});
  }

  std::unique_ptr<NbdConnector> address() const {
    return std::make_unique<NbdAddress>(parse_uri(server_->uri()), NbdHoles::unwanted);
  }

  // The server as one that is started anew for each set of connections.
  std::unique_ptr<NbdConnector> renewed(std::atomic<int>& prepared) const {
    return std::make_unique<OwnServer>(server_->uri(), OwnServerTraits{.prepare = [&prepared] {
                                         ++prepared;
                                         std::this_thread::sleep_for(100ms);
                                       }});
  }

  void start(std::chrono::milliseconds patience, const FakeNbdBehaviour& behaviour = usual) {
    server_.emplace(behaviour);
    link_to(address(), patience, 4);
    link_->start();
  }

  std::shared_ptr<NbdLanes> lanes(Use use = Use::reads) {
    return link_->lanes(use, Clock::now() + long_time);
  }

  // True when it has as many connections in time.
  bool has_connections(unsigned count) const {
    const auto end = Clock::now() + long_time;
    while (server_->connections() < count) {
      if (Clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }

  bool comes_back() {
    const auto end = Clock::now() + long_time;
    while (Clock::now() < end) {
      try {
        lanes();
        return true;
      } catch (const Error&) {
        std::this_thread::sleep_for(10ms);
      }
    }
    return false;
  }

  // The connections are lost, and the link knows.
  void lose() {
    const std::shared_ptr<NbdLanes> lost = lanes();
    server_->drop_all();
    link_->drop(lost);
  }

  // Where nobody listens any more.
  void server_goes() {
    const std::shared_ptr<NbdLanes> lost = lanes();
    server_.reset();
    link_->drop(lost);
  }

  std::mutex mutex_;
  std::string news_;
  std::optional<FakeNbdServer> server_;
  std::optional<NbdLink> link_;
};

TEST_F(NbdLinkTest, BeforeItsStartALossStays) {
  server_.emplace(usual);
  link_to(address(), 60s);
  server_->drop_all();
  const std::shared_ptr<NbdLanes> first = lanes();
  Bytes back(512);
  EXPECT_THROW(NbdLanes::Turn(*first)->read(back, 0, Clock::now() + long_time), ConnectionLost);
  EXPECT_EQ(lanes(), first);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(NbdLinkTest, ConnectsAgainAfterALossThatNobodyTold) {
  start(60s);
  const std::shared_ptr<NbdLanes> first = lanes();
  server_->drop_all();
  ASSERT_TRUE(has_connections(2));
  std::shared_ptr<NbdLanes> second = first;
  for (int tries = 0; second == first && tries < 500; ++tries) {
    std::this_thread::sleep_for(10ms);
    second = lanes();
  }
  EXPECT_NE(second, first);
  Bytes back(512);
  EXPECT_NO_THROW(NbdLanes::Turn(*second)->read(back, 0, Clock::now() + long_time));
  EXPECT_THAT(news(), HasSubstr("the connection to nbd+unix:///?socket=… was lost"));
  EXPECT_THAT(news(), HasSubstr("is connected again"));
}

TEST_F(NbdLinkTest, OneLostConnectionIsALossOfAll) {
  FakeNbdBehaviour many = usual;
  many.flags |= flag_multi_conn;
  start(60s, many);
  const std::shared_ptr<NbdLanes> first = lanes();
  ASSERT_EQ(first->count(), 4u);
  server_->drop(2);
  EXPECT_TRUE(has_connections(8));
  Bytes back(512);
  for (int i = 0; i < 4; ++i) {
    EXPECT_THROW(NbdLanes::Turn(*first)->read(back, 0, Clock::now() + long_time), ConnectionLost);
  }
}

TEST_F(NbdLinkTest, OnlyOnceForEachLoss) {
  start(60s);
  const std::shared_ptr<NbdLanes> first = lanes();
  link_->drop(first);
  const std::shared_ptr<NbdLanes> second = lanes();
  link_->drop(first);
  link_->drop(first);
  EXPECT_EQ(lanes(), second);
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(server_->connections(), 2u);
}

TEST_F(NbdLinkTest, ChangesWaitWhileOneIsOpen) {
  start(60s);
  const auto begin = Clock::now();
  {
    const std::shared_ptr<NbdLanes> lost = lanes();
    lost->change_is_open = true;
    link_->drop(lost);
  }
  lanes(Use::reads);
  EXPECT_LT(Clock::now() - begin, soon);
  lanes(Use::changes);
  EXPECT_GT(Clock::now() - begin, soon);
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(NbdLinkTest, ChangesWaitWhileSomebodyHasNotSaidWhatBecameOfHis) {
  start(60s);
  const auto begin = Clock::now();
  const std::shared_ptr<NbdLanes> held = lanes();
  link_->drop(held);
  lanes(Use::changes);
  EXPECT_GT(Clock::now() - begin, soon);
}

TEST_F(NbdLinkTest, ChangesDoNotWaitWhenNoneIsOpen) {
  start(60s);
  const auto begin = Clock::now();
  server_->drop_all();
  ASSERT_TRUE(has_connections(2));
  lanes(Use::changes);
  EXPECT_LT(Clock::now() - begin, soon);
}

// Several that are under way when a connection behind the server is lost all get an error.
TEST_F(NbdLinkTest, AnErrorIsWorthAnotherTryAlsoWhenAnotherRequestWasFirst) {
  server_.emplace(usual);
  link_to(std::make_unique<OwnServer>(server_->uri(), OwnServerTraits{.opens_anew = true}), 60s);
  link_->start();
  const std::shared_ptr<NbdLanes> held = lanes();
  std::this_thread::sleep_for(2100ms);  // an error over new connections is believed
  const Error error(ErrorKind::io, "a session was lost", EIO);
  EXPECT_TRUE(link_->drop_for(error, held, false));
  while (!held->lost()) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(link_->drop_for(error, held, false));
  EXPECT_FALSE(link_->drop_for(error, lanes(), true));
}

TEST_F(NbdLinkTest, WaitsForAServerAsLongAsItsPatience) {
  start(500ms);
  server_goes();
  const auto begin = Clock::now();
  const Error error = error_of([&] { lanes(); });
  EXPECT_EQ(error.errno_code(), EIO);
  EXPECT_THAT(error.what(), HasSubstr("has been away"));
  EXPECT_GE(Clock::now() - begin, 400ms);
  EXPECT_LT(Clock::now() - begin, 5s);
  const auto again = Clock::now();
  EXPECT_EQ(error_of([&] { lanes(); }).errno_code(), EIO);
  EXPECT_LT(Clock::now() - again, 300ms);
}

TEST_F(NbdLinkTest, ARequestHasItsOwnDeadline) {
  start(60s);
  server_goes();
  const auto begin = Clock::now();
  EXPECT_EQ(error_of([&] { link_->lanes(Use::reads, begin + 200ms); }).errno_code(), EIO);
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(NbdLinkTest, WithoutPatienceNothingWaitsButItConnectsAgain) {
  start(0ms);
  EXPECT_EQ(link_->answer_limit(), 60s);
  server_->become({.answer_connections = 1});
  lose();
  const auto begin = Clock::now();
  EXPECT_EQ(error_of([&] { lanes(); }).errno_code(), EIO);
  EXPECT_LT(Clock::now() - begin, 300ms);
  // The attempt that is under way has to end first.
  server_->drop_all();
  server_->become(usual);
  EXPECT_TRUE(comes_back());
  EXPECT_THAT(news(), HasSubstr("requests fail until its server is back"));
}

TEST_F(NbdLinkTest, WaitingEndsWithStopWaiting) {
  start(60s);
  server_goes();
  const auto begin = Clock::now();
  std::thread stopper([&] {
    std::this_thread::sleep_for(200ms);
    link_->stop_waiting();
  });
  EXPECT_EQ(error_of([&] { lanes(); }).errno_code(), ESHUTDOWN);
  stopper.join();
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(NbdLinkTest, AfterStopWaitingWhatIsConnectedGoesOnForAWhile) {
  start(60s);
  const auto begin = Clock::now();
  const std::shared_ptr<NbdLanes> first = lanes();
  link_->stop_waiting();
  EXPECT_EQ(lanes(), first);
  Bytes back(512);
  EXPECT_NO_THROW(NbdLanes::Turn(*first)->read(back, 0, Clock::now() + long_time));
  // Until its connections are given up, so that whoever still waits for an answer is let go.
  while (!first->lost() && Clock::now() < begin + 20s) std::this_thread::sleep_for(10ms);
  EXPECT_GT(Clock::now() - begin, 3s);
  EXPECT_LT(Clock::now() - begin, 10s);
  EXPECT_EQ(error_of([&] { lanes(); }).errno_code(), ESHUTDOWN);
  EXPECT_EQ(news(), "");
}

TEST_F(NbdLinkTest, EndsWhileAServerIsSilent) {
  start(60s);
  server_->become({.answer_connections = 0});
  lose();
  ASSERT_TRUE(has_connections(2));
  const auto begin = Clock::now();
  link_.reset();
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(NbdLinkTest, EndsWhileAServerIsAway) {
  start(60s);
  server_goes();
  std::this_thread::sleep_for(500ms);
  const auto begin = Clock::now();
  link_.reset();
  EXPECT_LT(Clock::now() - begin, soon);
}

// A request's own thread may be the last that has the connections, and close them.
TEST_F(NbdLinkTest, EndsWhileItLosesConnections) {
  for (int round = 0; round < 20; ++round) {
    start(60s);
    std::shared_ptr<NbdLanes> held = lanes();
    std::thread user([&] {
      server_->drop_all();
      link_->drop(held);
      held.reset();
    });
    user.join();
    if (round % 2 == 0) lanes();
    link_.reset();
  }
}

TEST_F(NbdLinkTest, RefusesAServerThatCameBackWithLess) {
  const auto without = [](std::uint16_t flag) {
    FakeNbdBehaviour behaviour = usual;
    behaviour.flags = static_cast<std::uint16_t>(behaviour.flags & ~flag);
    return behaviour;
  };
  FakeNbdBehaviour smaller = usual, read_only = usual, coarser = usual;
  smaller.size -= 512;
  read_only.flags |= flag_read_only;
  coarser.minimum_block = 4'096;
  const std::vector<std::pair<FakeNbdBehaviour, std::string>> lessers = {
      {smaller, "with 1048064 bytes instead of 1048576"},
      {coarser, "with a minimum block of 4096 bytes instead of 1"},
      {read_only, "read-only"},
      {without(flag_send_flush), "without flush"},
      {without(flag_send_fua), "without FUA"},
      {without(flag_send_trim), "without trim"},
  };
  for (const auto& [lesser, word] : lessers) {
    link_.reset();
    news_.clear();
    start(300ms);
    server_->become(lesser);
    lose();
    const Error error = error_of([&] { lanes(); });
    EXPECT_EQ(error.errno_code(), EIO) << word;
    EXPECT_THAT(error.what(), HasSubstr(word));
    EXPECT_THAT(news(), HasSubstr("socket=…: its server came back " + word));
    server_->become(usual);
    EXPECT_TRUE(comes_back()) << word;
  }
}

TEST_F(NbdLinkTest, TakesAServerThatCameBackWithMore) {
  start(60s, {.size = 1 << 20, .flags = flag_has_flags | flag_read_only, .minimum_block = 4'096});
  EXPECT_EQ(link_->size(), 1u << 20);
  FakeNbdBehaviour larger = usual;
  larger.size = 2 << 20;
  server_->become(larger);
  lose();
  lanes();
  EXPECT_EQ(link_->size(), 2u << 20);
}

TEST_F(NbdLinkTest, AServerOfItsOwnIsStartedByTheThreadThatKeepsIt) {
  server_.emplace(usual);
  std::atomic<int> prepared = 0;
  link_to(renewed(prepared), 60s);
  EXPECT_EQ(prepared, 1);
  link_->start();
  lanes();
  EXPECT_EQ(prepared, 2);
  EXPECT_EQ(news(), "");
}

TEST_F(NbdLinkTest, WhatAServerOfItsOwnPassedOnSettlesToo) {
  server_.emplace(usual);
  std::atomic<int> prepared = 0;
  link_to(renewed(prepared), 60s);
  link_->start();
  const std::shared_ptr<NbdLanes> lost = lanes();
  lost->change_is_open = true;
  const auto begin = Clock::now();
  link_->drop(lost);
  lanes(Use::changes);
  EXPECT_GE(Clock::now() - begin, soon);
  EXPECT_EQ(prepared, 3);
}

}  // namespace
}  // namespace luksdetached
