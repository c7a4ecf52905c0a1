#include "source/nbd_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "fake_nbd_server.h"
#include "own_server.h"
#include "real_nbd_server.h"
#include "testing.h"

namespace luksdetached {
namespace {

constexpr std::size_t all = SIZE_MAX;  // extents

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using testing::Bytes;
using testing::Command;
using testing::command_cache;
using testing::command_flag_fua;
using testing::command_flush;
using testing::command_read;
using testing::command_trim;
using testing::command_write;
using testing::error_of;
using testing::FakeNbdServer;
using testing::flag_has_flags;
using testing::flag_multi_conn;
using testing::flag_read_only;
using testing::flag_send_cache;
using testing::flag_send_flush;
using testing::flag_send_fua;
using testing::flag_send_trim;
using testing::OwnServer;
using testing::OwnServerTraits;
using testing::pattern;
using testing::RealNbdServer;

constexpr std::size_t mebibyte = 1 << 20;

std::unique_ptr<NbdConnector> to(const std::string& uri, NbdHoles holes = NbdHoles::unwanted) {
  return std::make_unique<NbdAddress>(parse_uri(uri), holes);
}

std::unique_ptr<NbdConnector> gathering_writes(const std::string& uri) {
  return std::make_unique<OwnServer>(uri, OwnServerTraits{.gathers_writes = true});
}
std::unique_ptr<NbdConnector> opening_anew(const std::string& uri) {
  return std::make_unique<OwnServer>(uri, OwnServerTraits{.opens_anew = true});
}

std::ptrdiff_t count_of(FakeNbdServer& server, std::uint16_t type, std::uint16_t flags = 0) {
  const auto commands = server.commands();
  return std::count_if(commands.begin(), commands.end(), [&](const Command& command) {
    return command.type == type && (command.flags & flags) == flags;
  });
}

// Many threads, each with a part of the export of its own, against a model.
void exercise(Source& source, int rounds) {
  constexpr unsigned threads = 8;
  const std::size_t part = source.size() / threads;
  std::vector<std::thread> workers;
  for (unsigned self = 0; self < threads; ++self) {
    workers.emplace_back([&source, part, self, rounds] {
      std::mt19937_64 random(self);
      const std::uint64_t begin = self * part;
      Bytes model(part);
      source.read(model, begin);
      for (int i = 0; i < rounds; ++i) {
        const std::size_t length = (1 + random() % 200) * 512;
        const std::size_t at = random() % ((part - length) / 512 + 1) * 512;
        const auto where = model.begin() + static_cast<std::ptrdiff_t>(at);
        if (random() % 2 == 0) {
          const Bytes data = pattern(length, random());
          source.write(data, begin + at,
                       random() % 8 == 0 ? Durability::durable : Durability::cached);
          std::copy(data.begin(), data.end(), where);
        } else {
          Bytes back(length);
          source.read(back, begin + at);
          ASSERT_TRUE(std::equal(back.begin(), back.end(), where));
        }
        if (random() % 32 == 0) source.flush();
      }
      Bytes back(part);
      source.read(back, begin);
      ASSERT_EQ(back, model);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

TEST(NbdSource, AgreesWithAModelOnNbdkit) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "8M"}));
  NbdSource source(to(server.uri()), Access::read_write, {.connections = 4});
  source.start();
  EXPECT_EQ(source.connections(), 4u);
  exercise(source, 200);
}

TEST(NbdSource, AgreesWithAModelOnQemu) {
  RealNbdServer server(RealNbdServer::qemu_nbd({"-e", "4"}));
  NbdSource source(to(server.uri()), Access::read_write, {.connections = 4});
  source.start();
  exercise(source, 200);
}

TEST(NbdSource, UsesSeveralConnectionsWhenOffered) {
  FakeNbdServer server({.flags = flag_has_flags | flag_multi_conn});
  NbdSource source(to(server.uri()), Access::read_write, {.connections = 3});
  EXPECT_EQ(server.connections(), 3u);
  EXPECT_EQ(source.connections(), 3u);
}

TEST(NbdSource, UsesOneConnectionWhenMoreAreNotOffered) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"--filter=multi-conn", "memory", "1M", "multi-conn-mode=disable"}));
  NbdSource source(to(server.uri()), Access::read_write, {.connections = 4});
  EXPECT_EQ(source.connections(), 1u);
}

TEST(NbdSource, UsesOneConnectionWhenNoMoreAreWanted) {
  FakeNbdServer server({.flags = flag_has_flags | flag_multi_conn});
  NbdSource source(to(server.uri()), Access::read_only, {});
  EXPECT_EQ(server.connections(), 1u);
}

TEST(NbdSource, DoesWithoutConnectionsThatTheServerDoesNotTake) {
  FakeNbdServer server({.flags = flag_has_flags | flag_multi_conn, .answer_connections = 2});
  NbdSource source(to(server.uri()), Access::read_write,
                   {.connections = 4, .deadlines = {.connect = 1s}});
  EXPECT_EQ(source.connections(), 2u);
}

TEST(NbdSource, OpensAServerThatOffersMoreConnectionsThanItTakes) {
  RealNbdServer server(RealNbdServer::qemu_nbd({"-r", "-e", "2"}));
  NbdSource source(to(server.uri()), Access::read_only,
                   {.connections = 4, .deadlines = {.connect = 1s}});
  EXPECT_EQ(source.connections(), 2u);
  source.start();
  Bytes back(4'096);
  source.read(back, 0);
}

TEST(NbdSource, SendsAgainWhatWasNotAnswered) {
  for (const std::uint16_t type : {command_read, command_write, command_trim}) {
    FakeNbdServer server({.flags = flag_has_flags | flag_multi_conn | flag_send_trim,
                          .vanish_at = 8'192,
                          .vanish_times = 2});
    NbdSource source(to(server.uri()), Access::read_write, {.connections = 2});
    source.start();
    const Bytes data = pattern(4'096);
    Bytes back(4'096);
    if (type == command_read) source.read(back, 8'192);
    if (type == command_write) source.write(data, 8'192, Durability::cached);
    if (type == command_trim) source.discard(4'096, 8'192);
    const auto commands = server.commands();
    EXPECT_EQ(std::count_if(commands.begin(), commands.end(),
                            [&](const Command& command) {
                              return command.type == type && command.offset == 8'192 &&
                                     command.length == 4'096;
                            }),
              3);
    if (type != command_write) continue;
    source.read(back, 8'192);
    EXPECT_EQ(back, data);
  }
}

TEST(NbdSource, OfAReadInPartsOnlyThoseThatHaveNotArrivedAreAskedForAgain) {
  FakeNbdServer server({.vanish_at = 16'384, .vanish_times = 2});
  NbdSource source(to(server.uri()), Access::read_write, {});
  const Bytes data = pattern(32'768);
  source.start();
  source.write(data, 0, Durability::cached);
  const auto reads_of = [&](std::uint64_t offset) {
    const auto commands = server.commands();
    return std::count_if(commands.begin(), commands.end(), [&](const Command& command) {
      return command.type == command_read && command.offset == offset;
    });
  };
  Bytes back(data.size());
  std::vector<std::pair<std::size_t, std::ptrdiff_t>> arrived;  // where, and how often asked for
  source.read_parts(back, 0, 4'096, [&](std::span<std::byte> part) {
    const auto begin = static_cast<std::size_t>(part.data() - back.data());
    arrived.emplace_back(begin, reads_of(begin));
    for (std::byte& b : part) b = ~b;  // as one who decrypts in place
  });
  ASSERT_EQ(arrived.size(), 8U);
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    EXPECT_EQ(arrived[i].first, i * 4'096);
    EXPECT_EQ(reads_of(i * 4'096), arrived[i].second) << "part " << i;
  }
  EXPECT_EQ(reads_of(16'384), 3);
  for (std::byte& b : back) b = ~b;
  EXPECT_EQ(back, data);
}

// Parts may be sectors, which are decrypted as they arrive.
void expect_whole_parts(NbdSource& source, const Bytes& data) {
  constexpr std::size_t part = 4'096;
  Bytes back(data.size());
  std::size_t arrived = 0;
  source.read_parts(back, 0, part, [&](std::span<std::byte> next) {
    EXPECT_EQ(next.data(), back.data() + arrived);
    EXPECT_EQ(next.size(), std::min(part, back.size() - arrived));
    arrived += next.size();
  });
  EXPECT_EQ(arrived, back.size());
  EXPECT_EQ(back, data);
}

std::uint32_t longest_read(FakeNbdServer& server) {
  std::uint32_t longest = 0;
  for (const Command& command : server.commands()) {
    if (command.type == command_read) longest = std::max(longest, command.length);
  }
  return longest;
}

TEST(NbdSource, PartsAreWholeAlsoFromAServerThatTakesOnlyLessAtOnce) {
  for (const std::uint32_t most : {512U, 1'000U, 2'048U, 4'096U, 6'000U}) {
    FakeNbdServer server({.minimum_block = 1, .maximum_block = most});
    NbdSource source(to(server.uri()), Access::read_write, {});
    source.start();
    const Bytes data = pattern(50'000);
    source.write(data, 0, Durability::cached);
    expect_whole_parts(source, data);
    EXPECT_LE(longest_read(server), most);
  }
}

TEST(NbdSource, PartsAreWholeAlsoFromAServerThatComesBackAndTakesOnlyLess) {
  FakeNbdServer server({.minimum_block = 1, .maximum_block = 65'536});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.start();
  const Bytes data = pattern(50'000);
  source.write(data, 0, Durability::cached);
  server.become({.minimum_block = 1, .maximum_block = 512});
  server.drop_all();
  expect_whole_parts(source, data);
  EXPECT_LE(longest_read(server), 512U);
}

TEST(NbdSource, ALongReadFromASlowServerThatGoesOnAnsweringIsNotGivenUp) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"--threads=1", "--filter=delay", "memory", "1M", "delay-read=400ms"}));
  NbdSource source(to(server.uri()), Access::read_only, {.patience = 1500ms});
  source.start();
  Bytes back(8 * 4'096);
  EXPECT_NO_THROW(source.read_parts(back, 0, 4'096, [](std::span<std::byte>) {}));
}

TEST(NbdSource, ADurableWriteThatIsSentAgainIsADurableOne) {
  FakeNbdServer server({.vanish_at = 8'192, .vanish_times = 2});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(4'096), 8'192, Durability::durable);
  EXPECT_EQ(count_of(server, command_write, command_flag_fua), 3);
}

TEST(NbdSource, AFlushThatWasNotAnsweredIsSentAgain) {
  FakeNbdServer server({.vanishing_flushes = 2});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.start();
  source.flush();
  EXPECT_EQ(count_of(server, command_flush), 3);
  EXPECT_EQ(server.connections(), 3u);
}

TEST(NbdSource, AFlushThatIsNeverAnsweredFails) {
  FakeNbdServer server({.vanishing_flushes = ~0u});
  NbdSource source(to(server.uri()), Access::read_write, {.patience = 500ms});
  source.start();
  EXPECT_EQ(error_of([&] { source.flush(); }).errno_code(), EIO);
}

// The server may carry it out later, over what was written there in the meantime.
TEST(NbdSource, ChangesWaitAfterOneWhoseConnectionWasLost) {
  for (const std::uint16_t type : {command_write, command_trim}) {
    FakeNbdServer server(
        {.flags = flag_has_flags | flag_send_trim, .vanish_at = 8'192, .vanish_times = 1});
    NbdSource source(to(server.uri()), Access::read_write, {});
    source.start();
    const auto before = std::chrono::steady_clock::now();
    std::thread first([&] {
      if (type == command_write) source.write(pattern(4'096), 8'192, Durability::cached);
      if (type == command_trim) source.discard(4'096, 8'192);
    });
    while (server.connections() < 2) std::this_thread::sleep_for(1ms);
    Bytes back(512);
    source.read(back, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1500ms);
    source.write(pattern(512), 0, Durability::cached);
    EXPECT_GT(std::chrono::steady_clock::now() - before, 1500ms);
    first.join();
  }
}

TEST(NbdSource, AFlushFailsOnceWhenAServerEndedThatHadWritesInItsMemory) {
  FakeNbdServer server({});
  NbdSource source(gathering_writes(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::cached);
  server.drop_all();
  EXPECT_THAT(error_of([&] { source.flush(); }).what(), HasSubstr("may be lost"));
  EXPECT_NO_THROW(source.flush());
}

// The server that answers the flush may never have had the write.
TEST(NbdSource, ADurableWriteIsMadeAgainWhenItsServerWentAwayBeforeItsFlush) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_flush, .vanishing_flushes = 1});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::durable);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 5u);
  EXPECT_EQ(commands[3].type, command_write);
  EXPECT_EQ(commands[4].type, command_flush);
}

// Its successor answers, but it never had what was to be flushed.
TEST(NbdSource, AFlushOnWhichAServerEndedThatHadWritesInItsMemoryFails) {
  FakeNbdServer server({.vanishing_flushes = 1});
  NbdSource source(gathering_writes(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::cached);
  EXPECT_THAT(error_of([&] { source.flush(); }).what(), HasSubstr("may be lost"));
  EXPECT_NO_THROW(source.flush());
}

TEST(NbdSource, ADurableWriteFailsWhereItsFlushDoes) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_flush});
  NbdSource source(gathering_writes(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::cached);
  server.drop_all();
  EXPECT_EQ(error_of([&] { source.write(pattern(512), 512, Durability::durable); }).errno_code(),
            EIO);
}

TEST(NbdSource, ADurableWriteWithFuaFailsOnceAfterALossToo) {
  FakeNbdServer server({});
  NbdSource source(gathering_writes(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::cached);
  server.drop_all();
  const auto write = [&] { source.write(pattern(512), 512, Durability::durable); };
  EXPECT_THAT(error_of(write).what(), HasSubstr("may be lost"));
  EXPECT_NO_THROW(write());
}

TEST(NbdSource, AFlushSucceedsWhenTheServerThatEndedHadNothingInItsMemory) {
  FakeNbdServer server({});
  NbdSource source(gathering_writes(server.uri()), Access::read_write, {});
  source.start();
  source.write(pattern(512), 0, Durability::cached);
  source.flush();
  source.write(pattern(512), 0, Durability::durable);
  server.drop_all();
  EXPECT_NO_THROW(source.flush());
}

TEST(NbdSource, TriesAgainOverANewConnectionWhatAServerThatOpensAnewCouldNotDo) {
  FakeNbdServer server({.write_error = EIO, .read_error = EIO});
  NbdSource source(opening_anew(server.uri()), Access::read_write, {});
  source.start();
  std::this_thread::sleep_for(2100ms);  // an error over new connections is believed
  server.become({});
  EXPECT_NO_THROW(source.write(pattern(512), 0, Durability::cached));
  EXPECT_EQ(server.connections(), 2u);
}

TEST(NbdSource, BelievesAnErrorOverAConnectionThatCanStillRead) {
  FakeNbdServer server({.write_error = EIO});
  NbdSource source(opening_anew(server.uri()), Access::read_write, {});
  source.start();
  std::this_thread::sleep_for(2100ms);
  EXPECT_EQ(error_of([&] { source.write(pattern(512), 0, Durability::cached); }).errno_code(), EIO);
  EXPECT_EQ(server.connections(), 1u);
}

// Storage tells of a failed sync once.
TEST(NbdSource, AFailedSyncIsBelievedWhereItsConnectionCanStillRead) {
  FakeNbdServer server({.write_error = EIO});
  NbdSource source(opening_anew(server.uri()), Access::read_write, {});
  source.start();
  std::this_thread::sleep_for(2100ms);
  server.become({});
  EXPECT_EQ(error_of([&] { source.write(pattern(512), 0, Durability::durable); }).errno_code(),
            EIO);
  EXPECT_EQ(server.connections(), 1u);
}

// What is behind the server may carry it out later.
TEST(NbdSource, ChangesWaitAfterAnErrorThatMayBeALossBehindTheServer) {
  FakeNbdServer server({.write_error = EIO, .read_error = EIO});
  NbdSource source(opening_anew(server.uri()), Access::read_write, {});
  source.start();
  std::this_thread::sleep_for(2100ms);
  server.become({});
  const auto before = std::chrono::steady_clock::now();
  source.write(pattern(512), 0, Durability::cached);
  EXPECT_GT(std::chrono::steady_clock::now() - before, 1500ms);
}

TEST(NbdSource, BelievesAnErrorThatANewConnectionHasToo) {
  FakeNbdServer server({.write_error = EIO, .read_error = EIO});
  NbdSource source(opening_anew(server.uri()), Access::read_write, {});
  source.start();
  std::this_thread::sleep_for(2100ms);
  EXPECT_EQ(error_of([&] { source.write(pattern(512), 0, Durability::cached); }).errno_code(), EIO);
  EXPECT_EQ(error_of([&] { source.write(pattern(512), 0, Durability::cached); }).errno_code(), EIO);
  EXPECT_LE(server.connections(), 4u);  // after each there may still be something under way
}

TEST(NbdSource, GivesUpARequestThatEndsEveryConnection) {
  FakeNbdServer server({.vanish_at = 8'192});
  NbdSource source(to(server.uri()), Access::read_write, {.patience = 500ms});
  source.start();
  Bytes back(512);
  EXPECT_EQ(error_of([&] { source.read(back, 8'192); }).errno_code(), EIO);
  EXPECT_GE(server.commands().size(), 3u);
  EXPECT_LE(server.commands().size(), 7u) << "it rests between its attempts";
  EXPECT_NO_THROW(source.read(back, 0));
}

TEST(NbdSource, WaitsForAnAnswerAsLongAsForAServer) {
  RealNbdServer server(RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-read=60"}));
  NbdSource source(to(server.uri()), Access::read_write, {.patience = 500ms});
  source.start();
  const auto before = std::chrono::steady_clock::now();
  Bytes back(512);
  EXPECT_EQ(error_of([&] { source.read(back, 0); }).errno_code(), EIO);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_NO_THROW(source.write(pattern(512), 0, Durability::cached));
}

TEST(NbdSource, RefusesConnectionsThatDiffer) {
  FakeNbdServer server({.flags = flag_has_flags | flag_multi_conn, .size_step = 512});
  const Error error =
      error_of([&] { NbdSource(to(server.uri()), Access::read_write, {.connections = 2}); });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(error.what(), HasSubstr("differ"));
}

TEST(NbdSource, WritesDurablyWithFua) {
  FakeNbdServer server({});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.write(pattern(512), 0, Durability::cached);
  source.write(pattern(512), 512, Durability::durable);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].flags, 0);
  EXPECT_EQ(commands[1].flags, command_flag_fua);
}

TEST(NbdSource, WritesDurablyWithFlushWhereThereIsNoFua) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_flush});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.write(pattern(512), 0, Durability::durable);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].type, command_write);
  EXPECT_EQ(commands[0].flags, 0);
  EXPECT_EQ(commands[1].type, command_flush);
}

TEST(NbdSource, WritesEverythingWithFuaWhereThereIsNoFlush) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_fua});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.write(pattern(512), 0, Durability::cached);
  source.flush();
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].flags, command_flag_fua);
}

TEST(NbdSource, FlushesNothingWhereTheServerCannot) {
  FakeNbdServer server({.flags = flag_has_flags});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.write(pattern(512), 0, Durability::durable);
  source.flush();
  EXPECT_EQ(server.commands().size(), 1u);
}

TEST(NbdSource, FlushReachesTheServer) {
  FakeNbdServer server({});
  NbdSource source(to(server.uri()), Access::read_write, {});
  source.flush();
  ASSERT_EQ(server.commands().size(), 1u);
  EXPECT_EQ(server.commands()[0].type, command_flush);
}

TEST(NbdSource, DiscardsAndPrefetchesWhereTheServerCan) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_trim | flag_send_cache});
  NbdSource source(to(server.uri()), Access::read_write, {});
  EXPECT_TRUE(source.can_discard());
  EXPECT_TRUE(source.can_prefetch());
  source.discard(512, 1'024);
  source.prefetch(2'048, 4'096);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].type, command_trim);
  EXPECT_EQ(commands[0].offset, 1'024u);
  EXPECT_EQ(commands[0].length, 512u);
  EXPECT_EQ(commands[1].type, command_cache);
  EXPECT_EQ(commands[1].offset, 4'096u);
  EXPECT_EQ(commands[1].length, 2'048u);
}

TEST(NbdSource, NeitherDiscardsNorPrefetchesWhereTheServerCannot) {
  FakeNbdServer server({});
  NbdSource source(to(server.uri()), Access::read_write, {});
  EXPECT_FALSE(source.can_discard());
  EXPECT_FALSE(source.can_prefetch());
  source.discard(512, 0);
  source.prefetch(512, 0);
  EXPECT_TRUE(server.commands().empty());
}

TEST(NbdSource, DoesNotDiscardWhatItMayOnlyRead) {
  FakeNbdServer server({.flags = flag_has_flags | flag_send_trim});
  EXPECT_FALSE(NbdSource(to(server.uri()), Access::read_only, {}).can_discard());
}

TEST(NbdSource, PassesTheHintThatTheStorageTurns) {
  for (const bool turns : {false, true}) {
    const std::uint16_t hint = turns ? testing::flag_rotational : 0;
    FakeNbdServer server({.flags = static_cast<std::uint16_t>(flag_has_flags | hint)});
    EXPECT_EQ(NbdSource(to(server.uri()), Access::read_only, {}).rotational(), turns);
  }
}

TEST(NbdSource, SplitsLargeDiscardsAndPrefetches) {
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
  for (const std::uint16_t type : {command_trim, command_cache}) {
    FakeNbdServer server(
        {.size = 8 * gibibyte, .flags = flag_has_flags | flag_send_trim | flag_send_cache});
    NbdSource source(to(server.uri()), Access::read_write, {});
    if (type == command_trim) {
      source.discard(4 * gibibyte + 512, 4'096);
    } else {
      source.prefetch(4 * gibibyte + 512, 4'096);
    }
    std::uint64_t at = 4'096;
    for (const Command& command : server.commands()) {
      EXPECT_EQ(command.type, type);
      EXPECT_EQ(command.offset, at);
      at += command.length;
    }
    EXPECT_EQ(at, 4 * gibibyte + 512 + 4'096);
  }
}

TEST(NbdSource, DoesNotFlushWhatItMayOnlyRead) {
  FakeNbdServer server({});
  NbdSource(to(server.uri()), Access::read_only, {}).flush();
  EXPECT_TRUE(server.commands().empty());
}

std::vector<Extent> extents_of(const std::vector<std::uint32_t>& block_status) {
  FakeNbdServer server({.block_status = block_status});
  NbdSource source(to(server.uri(), NbdHoles::wanted), Access::read_only, {});
  EXPECT_TRUE(source.can_find_holes());
  return source.extents(10'000, 512, all);
}

TEST(NbdSource, FindsHolesByBlockStatus) {
  // Flags: 1 a hole, 2 reads as zeros.
  EXPECT_EQ(extents_of({1'000, 0, 2'000, 1, 3'000, 3, 4'000, 2}),
            (std::vector<Extent>{{1'000, false}, {2'000, true}, {3'000, true}, {4'000, false}}));
}

TEST(NbdSource, DoesNotBelieveMoreThanItAskedFor) {
  EXPECT_EQ(extents_of({0xfffffe00, 1}), (std::vector<Extent>{{10'000, true}}));
}

TEST(NbdSource, ABlockStatusMayEndSooner) {
  EXPECT_EQ(extents_of({512, 1}), (std::vector<Extent>{{512, true}}));
}

TEST(NbdSource, ABlockStatusOfNothingIsNoHole) {
  EXPECT_EQ(extents_of({0, 1}), (std::vector<Extent>{{10'000, false}}));
}

TEST(NbdSource, AsksForTheHolesOfALargeRangeInParts) {
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
  FakeNbdServer server({.size = 8 * gibibyte, .block_status = {{512, 1}}});
  NbdSource source(to(server.uri(), NbdHoles::wanted), Access::read_only, {});
  EXPECT_EQ(source.extents(4 * gibibyte, 0, 100), (std::vector<Extent>{{512, true}}));
}

TEST(NbdSource, FindsTheHolesOfNbdkit) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "8M"}));
  NbdSource source(to(server.uri(), NbdHoles::wanted), Access::read_write, {.connections = 4});
  source.write(pattern(mebibyte), 4 * mebibyte, Durability::cached);
  EXPECT_EQ(source.extents(8 * mebibyte, 0, all),
            (std::vector<Extent>{{4 * mebibyte, true}, {mebibyte, false}, {3 * mebibyte, true}}));
}

TEST(NbdSource, FindsNoMoreHolesThanAreWanted) {
  FakeNbdServer server({.block_status = {{1'000, 0, 2'000, 1, 7'000, 0}}});
  NbdSource source(to(server.uri(), NbdHoles::wanted), Access::read_only, {});
  EXPECT_EQ(source.extents(10'000, 0, 2), (std::vector<Extent>{{1'000, false}, {2'000, true}}));
  EXPECT_EQ(source.extents(10'000, 0, 1), (std::vector<Extent>{{1'000, false}}));
  constexpr std::uint16_t flag_req_one = 8;
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].flags & flag_req_one, 0);
  EXPECT_EQ(commands[1].flags & flag_req_one, flag_req_one);
}

TEST(NbdSource, DoesNotAskForHolesThatNobodyWants) {
  FakeNbdServer server({.block_status = {{512, 1}}});
  NbdSource source(to(server.uri()), Access::read_only, {});
  EXPECT_FALSE(source.can_find_holes());
  EXPECT_EQ(source.extents(10'000, 0, all), (std::vector<Extent>{{10'000, false}}));
  EXPECT_TRUE(server.commands().empty());
}

TEST(NbdSource, SplitsAtTheServersMaximum) {
  FakeNbdServer server({.minimum_block = 512, .maximum_block = 100'352});
  NbdSource source(to(server.uri()), Access::read_write, {});
  EXPECT_EQ(source.preferred_request(), 65'536u);
  const Bytes data = pattern(250'880);
  source.write(data, 512, Durability::cached);
  Bytes back(data.size());
  source.read(back, 512);
  EXPECT_EQ(back, data);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 6u);
  for (const Command& command : commands) EXPECT_LE(command.length, 100'352u);
}

TEST(NbdSource, SplitsAtTheProtocolsMaximumByDefault) {
  FakeNbdServer server({.size = 40 * mebibyte});
  NbdSource source(to(server.uri()), Access::read_only, {});
  EXPECT_EQ(source.preferred_request(), mebibyte);
  Bytes back(40 * mebibyte);
  source.read(back, 0);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].length, 32 * mebibyte);
}

TEST(NbdSource, RoundsTheSizeDownToWholeBlocks) {
  FakeNbdServer server({.size = 10'000, .minimum_block = 4'096});
  const NbdSource source(to(server.uri()), Access::read_write, {});
  EXPECT_EQ(source.size(), 8'192u);
  EXPECT_EQ(source.block_size(), 4'096u);
}

TEST(NbdSource, AllowsAnEmptyExport) {
  FakeNbdServer server({.size = 0});
  EXPECT_EQ(NbdSource(to(server.uri()), Access::read_write, {}).size(), 0u);
}

TEST(NbdSource, RefusesSizesBeyondSixtyThreeBits) {
  for (const std::uint64_t size : {std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    FakeNbdServer server({.size = size});
    const Error error = error_of([&] { NbdSource(to(server.uri()), Access::read_write, {}); });
    EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
    EXPECT_THAT(error.what(), HasSubstr("2^63"));
  }
}

TEST(NbdSource, TrustsNoImpossibleBlockSize) {
  // libnbd takes these for "not told".
  for (const auto& [minimum, maximum] :
       {std::pair{3u, 65'536u}, {131'072u, 262'144u}, {4'096u, 512u}, {512u, 65'537u}}) {
    FakeNbdServer server({.minimum_block = minimum, .maximum_block = maximum});
    const NbdSource source(to(server.uri()), Access::read_write, {});
    EXPECT_EQ(source.block_size(), 1u);
    EXPECT_EQ(source.preferred_request(), mebibyte);
  }
}

TEST(NbdSource, IsNotWritableWhenTheServerIsNot) {
  FakeNbdServer server({.flags = flag_has_flags | flag_read_only});
  EXPECT_FALSE(NbdSource(to(server.uri()), Access::read_write, {}).writable());
}

TEST(NbdSource, IsNotWritableWhenNotAskedToBe) {
  FakeNbdServer server({});
  EXPECT_TRUE(NbdSource(to(server.uri()), Access::read_write, {}).writable());
  EXPECT_FALSE(NbdSource(to(server.uri()), Access::read_only, {}).writable());
}

TEST(NbdSource, FailsInTimeWhenTheServerIsKilledUnderLoad) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "8M"}));
  NbdSource source(to(server.uri()), Access::read_write, {.connections = 4, .patience = 1s});
  source.start();
  std::vector<std::thread> workers;
  std::atomic<int> failures = 0;
  for (unsigned i = 0; i < 8; ++i) {
    workers.emplace_back([&, i] {
      Bytes data = pattern(256 * 1024, i);
      try {
        for (;;) {
          source.write(data, i * mebibyte, Durability::cached);
          source.read(data, i * mebibyte);
        }
      } catch (const Error& error) {
        if (error.errno_code() == EIO) ++failures;
      }
    });
  }
  std::this_thread::sleep_for(200ms);
  const auto before = std::chrono::steady_clock::now();
  server.kill();
  for (std::thread& worker : workers) worker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_EQ(failures, 8);
}

TEST(NbdSource, ServesManyThreadsInAForkedChild) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "8M"}));
  auto source = std::make_unique<NbdSource>(to(server.uri()), Access::read_write,
                                            NbdLinkOptions{.connections = 4});
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      source->start();
      exercise(*source, 50);
      source.reset();
    } catch (...) {
      ::_exit(2);
    }
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  source.reset();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace luksdetached
