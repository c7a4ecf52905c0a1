#include "status/status_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {
namespace {

using Clock = std::chrono::steady_clock;
// Much less than forever, which is how long who waits for a silent client waits; a busy machine
// takes seconds for what follows.
constexpr std::chrono::seconds soon{30};

const auto no_reload = [] {};

class StatusServerTest : public ::testing::Test {
 protected:
  StatusServerTest() {
    char name[] = "/tmp/luksdetached-status-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/status.sock";
  }
  ~StatusServerTest() override { std::filesystem::remove_all(directory_); }

  FileDescriptor connect() const {
    FileDescriptor fd = new_unix_socket();
    EXPECT_TRUE(connect_unix(fd, path_)) << errno_text(errno);
    const timeval limit{60, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }

  FileDescriptor ask(std::string_view request = "status\n") const {
    FileDescriptor fd = connect();
    EXPECT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    return fd;
  }

  static std::string read_all(const FileDescriptor& fd) {
    std::string all;
    char buffer[65536];
    for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  // Binds the path and dies, as a process after kill -9.
  void leave_dead_socket() const {
    const FileDescriptor fd = new_unix_socket();
    const sockaddr_un address = unix_address(path_);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  std::string directory_;
  std::string path_;
};

TEST_F(StatusServerTest, TellsEachClientWhatIsTrueThen) {
  StatusServer server(path_);
  int calls = 0;
  server.start([&calls] { return "report " + std::to_string(++calls); }, no_reload);
  EXPECT_EQ(read_all(ask()), "report 1");
  EXPECT_EQ(read_all(ask()), "report 2");
}

TEST_F(StatusServerTest, ClientsThatSayNothingAreAnsweredSoon) {
  StatusServer server(path_);
  server.start([] { return "report"; }, no_reload);
  EXPECT_EQ(read_all(connect()), "report");
}

TEST_F(StatusServerTest, WhoSaysNothingKeepsNobodyWaiting) {
  StatusServer server(path_);
  server.start([] { return "report"; }, no_reload);
  std::vector<FileDescriptor> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(connect());
  const auto start = Clock::now();
  EXPECT_EQ(read_all(ask()), "report");
  EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(900));
}

TEST_F(StatusServerTest, ReloadsWhenItIsAskedToAndOnlyThen) {
  StatusServer server(path_);
  std::atomic<int> reloads = 0;
  server.start([&] { return "reloads: " + std::to_string(reloads); }, [&] { ++reloads; });
  EXPECT_EQ(read_all(ask("status\n")), "reloads: 0");
  EXPECT_EQ(read_all(ask("reload\n")), "reloads: 1");
  EXPECT_EQ(read_all(ask("reload what\n")), "reloads: 1");
  EXPECT_EQ(read_all(ask(std::string(200, 'x'))), "reloads: 1");
}

TEST_F(StatusServerTest, ALineMayComeInPieces) {
  StatusServer server(path_);
  std::atomic<int> reloads = 0;
  server.start([] { return "report"; }, [&] { ++reloads; });
  const FileDescriptor client = ask("rel");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(send(client.get(), "oad\n", 4, MSG_NOSIGNAL), 4);
  EXPECT_EQ(read_all(client), "report");
  EXPECT_EQ(reloads, 1);
}

TEST_F(StatusServerTest, IsForItsOwnerOnly) {
  const mode_t before = umask(0);
  const StatusServer server(path_);
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(StatusServerTest, ClientsThatComeBeforeTheStartAreAnsweredAfterIt) {
  StatusServer server(path_);
  const FileDescriptor early = ask();
  server.start([] { return "report"; }, no_reload);
  EXPECT_EQ(read_all(early), "report");
}

TEST_F(StatusServerTest, RemovesItsSocketAtTheEnd) {
  {
    StatusServer server(path_);
    server.start([] { return ""; }, no_reload);
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// nbdkit's first process destroys nothing, but one that fails at start does.
TEST_F(StatusServerTest, ThatWasNotStartedLeavesItsSocket) {
  { const StatusServer server(path_); }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(StatusServerTest, TakesOverTheSocketOfADeadProcess) {
  leave_dead_socket();
  StatusServer server(path_);
  server.start([] { return "report"; }, no_reload);
  EXPECT_EQ(read_all(ask()), "report");
}

TEST_F(StatusServerTest, LeavesALiveProcessItsSocket) {
  StatusServer first(path_);
  first.start([] { return "first"; }, no_reload);
  try {
    const StatusServer second(path_);
    FAIL() << "bound twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "cannot bind the status socket " + path_ + ": Address already in use");
  }
  EXPECT_EQ(read_all(ask()), "first");
}

// connect says "refused" of a regular file too: it must not be taken for a dead socket.
TEST_F(StatusServerTest, LeavesOtherFilesAlone) {
  std::ofstream(path_) << "a header";
  EXPECT_THROW(StatusServer{path_}, Error);
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);

  const std::string link = directory_ + "/link";
  std::filesystem::create_symlink(path_, link);
  EXPECT_THROW(StatusServer{link}, Error);
  EXPECT_THROW(StatusServer{directory_}, Error);
  EXPECT_THROW(StatusServer{directory_ + "/none/status.sock"}, Error);
  EXPECT_THROW(StatusServer{directory_ + "/" + std::string(200, 'x')}, std::length_error);
}

// A report that fits in no socket's buffer.
const std::string long_report(std::size_t{4} << 20, 'x');

TEST_F(StatusServerTest, LongReportsArriveWhole) {
  StatusServer server(path_);
  server.start([] { return long_report; }, no_reload);
  EXPECT_EQ(read_all(ask()), long_report);
}

TEST_F(StatusServerTest, ClientsThatNeverReadKeepNobodyWaiting) {
  StatusServer server(path_);
  server.start([] { return long_report; }, no_reload);
  std::vector<FileDescriptor> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(ask());
  const auto start = Clock::now();
  EXPECT_EQ(read_all(ask()), long_report);
  EXPECT_LT(Clock::now() - start, soon);
  // Those that waited longest were sent away for the later ones.
  EXPECT_LT(read_all(silent.front()).size(), long_report.size());
  EXPECT_EQ(read_all(silent.back()), long_report);
}

TEST_F(StatusServerTest, EndsAtOnceWhileAClientDoesNotRead) {
  FileDescriptor silent;
  const auto start = [&] {
    StatusServer server(path_);
    server.start([] { return long_report; }, no_reload);
    silent = ask();
    EXPECT_EQ(read_all(ask()), long_report);
    return Clock::now();
  }();
  EXPECT_LT(Clock::now() - start, soon);
}

TEST_F(StatusServerTest, ClientsThatGoAwayAreForgotten) {
  StatusServer server(path_);
  server.start([] { return long_report; }, no_reload);
  for (int i = 0; i < 50; ++i) connect();
  for (int i = 0; i < 50; ++i) ask();
  EXPECT_EQ(read_all(ask()), long_report);
}

TEST_F(StatusServerTest, AReportThatFailsCostsOnlyItsClient) {
  StatusServer server(path_);
  bool failed = false;
  server.start(
      [&failed]() -> std::string {
        if (std::exchange(failed, true)) return "report";
        throw std::bad_alloc();
      },
      no_reload);
  EXPECT_EQ(read_all(ask()), "");
  EXPECT_EQ(read_all(ask()), "report");
}

TEST_F(StatusServerTest, ManyClientsAtOnce) {
  StatusServer server(path_);
  server.start([] { return std::string(1000, 'x'); }, no_reload);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 50; ++n) EXPECT_EQ(read_all(ask()).size(), 1000u);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace luksdetached
