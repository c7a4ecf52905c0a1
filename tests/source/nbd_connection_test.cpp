#include "source/nbd_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "fake_nbd_server.h"
#include "real_nbd_server.h"
#include "testing.h"

namespace luksdetached {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using testing::Bytes;
using testing::Command;
using testing::error_of;
using testing::FakeNbdBehaviour;
using testing::FakeNbdServer;
using testing::pattern;
using testing::RealNbdServer;

using Clock = std::chrono::steady_clock;

// Later than any answer here.
Clock::time_point soon() {
  return Clock::now() + 30s;
}

NbdConnection connect(const std::string& uri) {
  return {parse_uri(uri), NbdDeadlines{}};
}

TEST(NbdConnection, LearnsTheExport) {
  FakeNbdServer server({.size = 123'456, .minimum_block = 512, .maximum_block = 65'536});
  const NbdConnection connection = connect(server.uri());
  const NbdExport expected = {.size = 123'456,
                              .minimum_block = 512,
                              .maximum_block = 65'536,
                              .read_only = false,
                              .can_flush = true,
                              .can_fua = true,
                              .multi_conn = false};
  EXPECT_EQ(connection.exported(), expected);
}

TEST(NbdConnection, ReadsAndWritesBeforeStart) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  NbdConnection connection = connect(server.uri());
  const Bytes data = pattern(1 << 19);
  connection.write(data, 512, false, soon());
  connection.flush(soon());
  Bytes back(data.size());
  connection.read(back, 512, soon());
  EXPECT_EQ(back, data);
}

TEST(NbdConnection, ReadsAndWritesAfterStart) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  const Bytes data = pattern(1 << 19);
  connection.write(data, 512, false, soon());
  connection.flush(soon());
  Bytes back(data.size());
  connection.read(back, 512, soon());
  EXPECT_EQ(back, data);
}

TEST(NbdConnection, WakesItsWaitingReaderForAWriteThatTheSocketDoesNotTakeAtOnce) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "16M"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  Bytes back(512);
  connection.read(back, 0, soon());
  std::this_thread::sleep_for(100ms);  // the reader waits for replies only, now
  connection.write(pattern(16 << 20), 0, false, soon());
}

TEST(NbdConnection, WorksInAForkedChild) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  auto connection = std::make_unique<NbdConnection>(parse_uri(server.uri()), NbdDeadlines{});
  Bytes back(4'096);
  connection->read(back, 0, soon());
  int parent_gone[2];
  ASSERT_EQ(::pipe(parent_gone), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(parent_gone[1]);
    char byte = 0;
    if (::read(parent_gone[0], &byte, 1) != 0) ::_exit(2);
    try {
      connection->start();
      const Bytes data = pattern(4'096);
      connection->write(data, 0, true, soon());
      connection->read(back, 0, soon());
      const bool same = back == data;
      connection.reset();
      ::_exit(same ? 0 : 1);
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(3);
    }
  }
  // As when nbdkit's parent process exits: the child's connection must outlive this.
  connection.reset();
  ::close(parent_gone[0]);
  ::close(parent_gone[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(NbdConnection, KeepsRequestsInFlightTogether) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-read=500ms"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  const auto before = Clock::now();
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      Bytes back(512);
      connection.read(back, 0, soon());
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(Clock::now() - before, 2s);
}

TEST(NbdConnection, KeepsThePartsOfOneReadInFlightTogether) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-read=500ms"}));
  NbdConnection connection = connect(server.uri());
  const Bytes data = pattern(NbdConnection::parts_at_once * 4096 - 100);
  connection.write(data, 512, false, soon());
  connection.start();
  Bytes back(data.size());
  std::size_t arrived = 0;
  const auto before = Clock::now();
  connection.read_parts(back, 512, 4096, 30s, [&](std::span<std::byte> part) {
    EXPECT_EQ(part.data(), back.data() + arrived) << "they come in order";
    arrived += part.size();
    EXPECT_TRUE(arrived % 4096 == 0 || arrived == data.size());
  });
  EXPECT_LT(Clock::now() - before, 2s);
  EXPECT_EQ(arrived, data.size());
  EXPECT_EQ(back, data);
}

TEST(NbdConnection, ReadsAnyNumberOfPartsBeforeAndAfterStart) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  NbdConnection connection = connect(server.uri());
  const Bytes data = pattern(1 << 20);
  connection.write(data, 0, false, soon());
  const auto read = [&](std::size_t length, std::size_t part) {
    Bytes back(length);
    std::size_t parts = 0;
    connection.read_parts(back, 0, part, 30s, [&](std::span<std::byte>) { ++parts; });
    EXPECT_EQ(parts, (length + part - 1) / part);
    EXPECT_TRUE(std::equal(back.begin(), back.end(), data.begin()));
  };
  read(10'000, 512);
  connection.start();
  for (const std::size_t length : {1U, 511U, 512U, 513U, 4'096U, 100'000U, 1U << 20}) {
    read(length, 512);
    read(length, 1 << 19);
  }
  read(0, 512);
}

TEST(NbdConnection, APartThatFailsEndsAReadAfterThoseBeforeIt) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"eval", "get_size=echo 65536",
                             "pread=[ $4 -lt 8192 ] || { echo EPERM no >&2; exit 1; }; "
                             "dd if=/dev/zero bs=$3 count=1 2>/dev/null"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  Bytes back(65'536, std::byte{1});
  std::size_t arrived = 0;
  const Error error = error_of([&] {
    connection.read_parts(back, 0, 4096, 30s,
                          [&](std::span<std::byte> part) { arrived += part.size(); });
  });
  EXPECT_EQ(error.errno_code(), EPERM);
  EXPECT_EQ(arrived, 8'192U);
  EXPECT_NO_THROW(connection.read(back, 0, soon())) << "what follows is independent of it";
}

TEST(NbdConnection, WhatIsThrownForAPartEndsAReadAndNothingArrivesAfterwards) {
  RealNbdServer server(
      RealNbdServer::nbdkit({"--filter=delay", "memory", "64K", "delay-read=300ms"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  Bytes back(65'536, std::byte{1});
  const Error error = error_of([&] {
    connection.read_parts(back, 0, 8'192, 30s, [](std::span<std::byte>) {
      throw Error(ErrorKind::io, "enough", ECANCELED);
    });
  });
  EXPECT_EQ(error.errno_code(), ECANCELED);
  std::fill(back.begin(), back.end(), std::byte{2});
  std::this_thread::sleep_for(700ms);
  EXPECT_EQ(back, Bytes(back.size(), std::byte{2})) << "memory was written after the call";
}

TEST(NbdConnection, SaysGoodbyeAfterStart) {
  FakeNbdServer server({});
  {
    NbdConnection connection = connect(server.uri());
    connection.start();
  }
  // Nobody waits for the server to hear it.
  std::vector<Command> commands;
  for (int tries = 0; commands.empty() && tries < 1000; ++tries) {
    std::this_thread::sleep_for(10ms);
    commands = server.commands();
  }
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].type, testing::command_disconnect);
}

TEST(NbdConnection, ReportsTheServersError) {
  FakeNbdServer server({.write_error = 28});
  NbdConnection connection = connect(server.uri());
  const Error error = error_of([&] { connection.write(pattern(512), 1'024, false, soon()); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_EQ(error.errno_code(), ENOSPC);
  EXPECT_THAT(error.what(), HasSubstr("write 512 bytes at 1024 of nbd+unix:///?socket=…"));
  EXPECT_THAT(error.what(), HasSubstr("No space left"));
}

TEST(NbdConnection, GoesOnAfterTheServersError) {
  FakeNbdServer server({.write_error = 28});
  NbdConnection connection = connect(server.uri());
  connection.start();
  EXPECT_THROW(connection.write(pattern(512), 0, false, soon()), Error);
  Bytes back(512);
  EXPECT_NO_THROW(connection.read(back, 0, soon()));
}

TEST(NbdConnection, NoticesAReplyWithoutTheBytes) {
  FakeNbdServer server({.omit_read_data = true});
  NbdConnection connection = connect(server.uri());
  Bytes back(512);
  EXPECT_EQ(error_of([&] { connection.read(back, 0, soon()); }).errno_code(), EIO);
  connection.start();
  EXPECT_EQ(error_of([&] { connection.read(back, 0, soon()); }).errno_code(), EIO);
}

TEST(NbdConnection, FailsWhenTheServerNeverAnswersTheConnection) {
  FakeNbdServer server({.answer_connections = 0});
  const auto before = Clock::now();
  const Error error =
      error_of([&] { NbdConnection(parse_uri(server.uri()), {.connect = 1s, .request = 30s}); });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(error.what(), HasSubstr("did not answer within 1 seconds"));
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST(NbdConnection, FailsWhenTheServerNeverAnswersARequestBeforeStart) {
  RealNbdServer server(RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-read=60"}));
  NbdConnection connection(parse_uri(server.uri()), {.connect = 30s, .request = 1s});
  Bytes back(512);
  const auto before = Clock::now();
  const Error error = error_of([&] { connection.read(back, 0, soon()); });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(error.what(), HasSubstr("did not answer within 1 seconds"));
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_TRUE(connection.lost());
  connection.start();
  EXPECT_EQ(error_of([&] { connection.read(back, 0, soon()); }).errno_code(), EIO);
}

TEST(NbdConnection, AServerThatIsAlwaysLateIsNotWaitedForWithoutEnd) {
  RealNbdServer server(RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "rdelay=300ms"}));
  NbdConnection connection(parse_uri(server.uri()), {.connect = 30s, .request = 30s, .all = 2s});
  const auto before = Clock::now();
  const Error error = error_of([&] {
    Bytes back(512);
    for (int i = 0; i < 100; ++i) connection.read(back, 0, soon());
  });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(error.what(), HasSubstr("did not answer within 2 seconds"));
  EXPECT_LT(Clock::now() - before, 10s);
}

TEST(NbdConnection, IsGivenUpWhenARequestIsNotAnsweredInTime) {
  RealNbdServer server(RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-write=60"}));
  NbdConnection connection = connect(server.uri());
  std::atomic<int> losses = 0;
  connection.start([&] { ++losses; });
  Bytes back(512);
  EXPECT_NO_THROW(connection.read(back, 0, soon()));
  const auto before = Clock::now();
  std::thread other(
      [&] { EXPECT_THROW(connection.write(pattern(512), 512, false, soon()), ConnectionLost); });
  const Error error =
      error_of([&] { connection.write(pattern(512), 0, false, Clock::now() + 500ms); });
  other.join();
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(error.errno_code(), EIO);
  EXPECT_THAT(error.what(), HasSubstr("did not answer in time"));
  EXPECT_TRUE(connection.lost());
  EXPECT_THAT(connection.loss_reason(), HasSubstr("did not answer in time"));
  for (int tries = 0; losses == 0 && tries < 500; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(losses, 1);
}

TEST(NbdConnection, TellsOfALossThatWasBeforeItsStart) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  NbdConnection connection = connect(server.uri());
  server.kill();
  std::atomic<int> losses = 0;
  connection.start([&] { ++losses; });
  for (int tries = 0; losses == 0 && tries < 500; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(losses, 1);
}

TEST(NbdConnection, StopsConnectingWhenItIsCancelled) {
  FakeNbdServer server({.answer_connections = 0});
  const Event cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(200ms);
    cancel.happen();
  });
  const auto before = Clock::now();
  const Error error =
      error_of([&] { NbdConnection(parse_uri(server.uri()), {.cancel = &cancel}); });
  canceller.join();
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST(NbdConnection, SaysGoodbyeWithoutWaitingForAServerThatDoesNotListen) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  std::vector<std::unique_ptr<NbdConnection>> connections;
  for (int i = 0; i < 8; ++i) {
    connections.push_back(std::make_unique<NbdConnection>(parse_uri(server.uri()), NbdDeadlines{}));
    connections.back()->start();
  }
  server.freeze();
  const auto before = Clock::now();
  connections.clear();
  EXPECT_LT(Clock::now() - before, 3s);
}

TEST(NbdConnection, FailsRequestsInFlightWhenTheServerDies) {
  RealNbdServer server(RealNbdServer::nbdkit({"--filter=delay", "memory", "1M", "delay-read=60"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  std::vector<std::thread> readers;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      Bytes back(512);
      const Error error = error_of([&] { connection.read(back, 0, soon()); });
      if (error.errno_code() == EIO) ++failed;
      EXPECT_THAT(error.what(), HasSubstr("connection was lost"));
    });
  }
  std::this_thread::sleep_for(300ms);
  const auto before = Clock::now();
  server.kill();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failed, 4);
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST(NbdConnection, FailsLaterRequestsAtOnceWhenTheServerIsGone) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  NbdConnection connection = connect(server.uri());
  connection.start();
  server.kill();
  const Bytes data = pattern(1 << 20);
  for (int i = 0; i < 3; ++i) {
    const Error error = error_of([&] { connection.write(data, 0, false, soon()); });
    EXPECT_EQ(error.errno_code(), EIO);
    EXPECT_THAT(error.what(), HasSubstr(parse_uri(server.uri()).name));
  }
  EXPECT_TRUE(connection.lost());
}

TEST(NbdConnection, SaysWhyItCannotConnect) {
  const testing::TempDir dir;
  const Error missing =
      error_of([&] { connect("nbd+unix:///secretless?socket=" + dir.file("none")); });
  EXPECT_EQ(missing.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(missing.what(), HasSubstr("No such file or directory"));
  // Port 1 of this machine.
  const Error refused = error_of([] { connect("nbd://127.0.0.1:1/"); });
  EXPECT_THAT(refused.what(), HasSubstr("Connection refused"));
}

TEST(NbdConnection, RefusesAPlainServerWhenTlsIsAskedFor) {
  RealNbdServer server(RealNbdServer::nbdkit({"memory", "1M"}));
  std::ofstream(server.dir().file("psk")) << "user:00112233445566778899aabbccddeeff\n";
  const std::string socket = server.uri().substr(server.uri().find('?') + 1);
  const Error error = error_of([&] {
    connect("nbds+unix://user@/?" + socket + "&tls-psk-file=" + server.dir().file("psk"));
  });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(error.what(), HasSubstr("TLS"));
}

TEST(NbdConnection, SpeaksTlsWithAPreSharedKey) {
  const testing::TempDir keys;
  std::ofstream(keys.file("psk")) << "user:00112233445566778899aabbccddeeff\n"
                                  << "other:ffffffffffffffffffffffffffffffff\n";
  std::ofstream(keys.file("wrong")) << "user:ffffffffffffffffffffffffffffffff\n";
  RealNbdServer server(
      RealNbdServer::nbdkit({"--tls=require", "--tls-psk=" + keys.file("psk"), "memory", "1M"}));
  const std::string socket = server.uri().substr(server.uri().find('?') + 1);
  const std::string tls = "@/?" + socket + "&tls-psk-file=";

  NbdConnection connection = connect("nbds+unix://user" + tls + keys.file("psk"));
  connection.start();
  const Bytes data = pattern(1 << 20);
  connection.write(data, 0, true, soon());
  Bytes back(data.size());
  connection.read(back, 0, soon());
  EXPECT_EQ(back, data);

  EXPECT_EQ(error_of([&] { connect("nbds+unix://user" + tls + keys.file("wrong")); }).kind(),
            ErrorKind::source_unreachable);
  const Error unknown = error_of([&] { connect("nbds+unix://nobody" + tls + keys.file("psk")); });
  EXPECT_THAT(unknown.what(), HasSubstr("was not found in PSK file"));
  EXPECT_THAT(unknown.what(), Not(HasSubstr("nobody")));
  EXPECT_THAT(unknown.what(), Not(HasSubstr(keys.file("psk"))));
}

}  // namespace
}  // namespace luksdetached
