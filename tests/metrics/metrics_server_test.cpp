#include "metrics/metrics_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unix_socket.h"

namespace luksdetached {
namespace {

using Clock = std::chrono::steady_clock;

// Much less than how long the server waits for a client that says nothing, were it alone.
constexpr std::chrono::seconds soon{5};

const std::string report = "# HELP a b\n# TYPE a gauge\na 1\n";

class MetricsServerTest : public ::testing::Test {
 protected:
  MetricsServerTest() {
    char name[] = "/tmp/luksdetached-metrics-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/metrics.sock";
  }
  ~MetricsServerTest() override { std::filesystem::remove_all(directory_); }

  FileDescriptor connect() const {
    FileDescriptor fd = new_unix_socket();
    EXPECT_TRUE(connect_unix(fd, path_)) << errno_text(errno);
    const timeval limit{60, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }

  static void say(const FileDescriptor& fd, std::string_view text) {
    EXPECT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // Until the other side closes.
  static std::string read_all(const FileDescriptor& fd) {
    std::string all;
    char buffer[65536];
    for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  // The answer to a request, "GET /metrics".
  std::string ask(const std::string& request) const {
    const FileDescriptor fd = connect();
    say(fd, request + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return read_all(fd);
  }

  std::string directory_;
  std::string path_;
};

TEST_F(MetricsServerTest, TellsTheReportOfNow) {
  MetricsServer server(path_);
  int calls = 0;
  server.start([&calls] { return "a " + std::to_string(++calls) + "\n"; });
  EXPECT_TRUE(ask("GET /metrics").ends_with("\r\n\r\na 1\n"));
  EXPECT_TRUE(ask("GET /metrics").ends_with("\r\n\r\na 2\n"));
}

TEST_F(MetricsServerTest, SaysWhatFormatItIs) {
  MetricsServer server(path_);
  server.start([] { return report; });
  const std::string answer = ask("GET /metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos)
      << answer;
  EXPECT_NE(answer.find("\r\nContent-Length: " + std::to_string(report.size()) + "\r\n"),
            std::string::npos)
      << answer;
}

TEST_F(MetricsServerTest, HeadHasNoBody) {
  MetricsServer server(path_);
  server.start([] { return report; });
  const std::string answer = ask("HEAD /metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(MetricsServerTest, NothingElseIsThere) {
  MetricsServer server(path_);
  server.start([] { return report; });
  for (const char* const path : {"/", "/metrics/", "/metrics/../metrics", "//metrics", "/x"}) {
    EXPECT_TRUE(ask("GET " + std::string(path)).starts_with("HTTP/1.1 404 ")) << path;
  }
}

TEST_F(MetricsServerTest, NobodyCanChangeAnything) {
  MetricsServer server(path_);
  server.start([] { return report; });
  for (const char* const method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string answer = ask(std::string(method) + " /metrics");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos) << answer;
  }
}

// It need not come: one of 1 TB would take a while.
TEST_F(MetricsServerTest, ABodyIsNotWaitedFor) {
  MetricsServer server(path_);
  server.start([] { return report; });
  const FileDescriptor fd = connect();
  say(fd, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\nx");
  EXPECT_TRUE(read_all(fd).starts_with("HTTP/1.1 405 "));
}

TEST_F(MetricsServerTest, IsForItsOwnerOnly) {
  const mode_t before = umask(0);
  const MetricsServer server(path_);
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(MetricsServerTest, RemovesItsSocketAtTheEnd) {
  {
    MetricsServer server(path_);
    server.start([] { return report; });
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(MetricsServerTest, ThatWasNotStartedLeavesItsSocket) {
  { const MetricsServer server(path_); }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(MetricsServerTest, LongReportsArriveWhole) {
  const std::string text(std::size_t{8} << 20, 'x');
  MetricsServer server(path_);
  server.start([&] { return text; });
  EXPECT_TRUE(ask("GET /metrics").ends_with(text));
}

TEST_F(MetricsServerTest, WhoSaysNothingKeepsNobodyWaiting) {
  MetricsServer server(path_);
  server.start([] { return report; });
  std::vector<FileDescriptor> silent;
  const auto start = Clock::now();
  for (int n = 0; n < 200; ++n) silent.push_back(connect());
  EXPECT_TRUE(ask("GET /metrics").ends_with(report));
  EXPECT_LT(Clock::now() - start, soon);
  EXPECT_EQ(read_all(silent.front()), "");  // it was sent away
}

TEST_F(MetricsServerTest, WhoNeverReadsKeepsNobodyWaiting) {
  const std::string text(std::size_t{4} << 20, 'x');
  MetricsServer server(path_);
  server.start([&] { return text; });
  std::vector<FileDescriptor> silent;
  const auto start = Clock::now();
  for (int n = 0; n < 40; ++n) {
    silent.push_back(connect());
    say(silent.back(), "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_TRUE(ask("GET /metrics").ends_with(text));
  EXPECT_LT(Clock::now() - start, soon);
}

TEST_F(MetricsServerTest, EndsAtOnceWhileClientsSayNothing) {
  FileDescriptor silent;
  const auto start = [&] {
    MetricsServer server(path_);
    server.start([] { return report; });
    silent = connect();
    EXPECT_TRUE(ask("GET /metrics").ends_with(report));
    return Clock::now();
  }();
  EXPECT_LT(Clock::now() - start, soon);
}

TEST_F(MetricsServerTest, ARequestWithoutEndIsRefused) {
  MetricsServer server(path_);
  server.start([] { return report; });
  const FileDescriptor fd = connect();
  const std::string line = "GET /metrics?" + std::string(100'000, 'x');
  // What it does not want to read it need not.
  [[maybe_unused]] const ssize_t sent = send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL);
  const std::string answer = read_all(fd);
  EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4")) << answer;
  EXPECT_TRUE(ask("GET /metrics").ends_with(report));
}

TEST_F(MetricsServerTest, AReportThatFailsCostsOnlyItsClient) {
  MetricsServer server(path_);
  bool failed = false;
  server.start([&failed] {
    if (!std::exchange(failed, true)) throw std::bad_alloc();
    return report;
  });
  EXPECT_EQ(ask("GET /metrics"), "");
  EXPECT_TRUE(ask("GET /metrics").ends_with(report));
}

TEST_F(MetricsServerTest, ManyClientsAtOnce) {
  MetricsServer server(path_);
  server.start([] { return report; });
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(ask("GET /metrics").ends_with(report));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace luksdetached
