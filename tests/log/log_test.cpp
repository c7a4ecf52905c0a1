#include "log/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace luksdetached {
namespace {

// Standard error is a pipe meanwhile.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reading_ = ends[0];
    before_ = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    ::unsetenv("JOURNAL_STREAM");
  }
  void TearDown() override {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(reading_);
    ::unsetenv("JOURNAL_STREAM");
  }

  // What was written; a pipe that others write too has each line in one piece.
  std::string said() const {
    std::array<char, 65536> text{};
    const ssize_t bytes = ::read(reading_, text.data(), text.size());
    return {text.data(), bytes < 0 ? 0 : static_cast<std::size_t>(bytes)};
  }

  static std::string stream() {
    struct stat info {};
    ::fstat(STDERR_FILENO, &info);
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  }

 private:
  int reading_ = -1, before_ = -1;
};

TEST_F(LogTest, ALineSaysWhoAndHowBad) {
  const Log log;
  log.write(LogLevel::warning, "something");
  log.write(LogLevel::info, "all day");
  EXPECT_EQ(said(),
            "nbdkit: luksdetached: warning: something\nnbdkit: luksdetached: info: all day\n");
}

TEST_F(LogTest, TheJournalGetsItsPrefixes) {
  ::setenv("JOURNAL_STREAM", stream().c_str(), 1);
  const Log log;
  for (const LogLevel level :
       {LogLevel::error, LogLevel::warning, LogLevel::notice, LogLevel::info}) {
    log.write(level, "x");
  }
  EXPECT_EQ(said(), "<3>x\n<4>x\n<5>x\n<6>x\n");
}

TEST_F(LogTest, AVariableAboutAnotherStreamIsNoJournal) {
  ::setenv("JOURNAL_STREAM", "8:12345", 1);
  const Log log;
  log.write(LogLevel::error, "x");
  EXPECT_EQ(said(), "nbdkit: luksdetached: error: x\n");
}

TEST_F(LogTest, OneCallIsOneLine) {
  const Log log;
  log.write(LogLevel::error, "a\nnbdkit: luksdetached: error: b");
  EXPECT_EQ(said(), "nbdkit: luksdetached: error: a\\x0anbdkit: luksdetached: error: b\n");
}

TEST_F(LogTest, ALongLineIsCutToWhatAPipeTakesAtOnce) {
  const Log log;
  log.write(LogLevel::error, std::string(100'000, 'x'));
  const std::string line = said();
  EXPECT_LE(line.size(), 4000u);
  EXPECT_GT(line.size(), 3000u);
  EXPECT_TRUE(line.ends_with("x…\n"));
}

TEST_F(LogTest, SyslogLeavesStandardErrorAlone) {
  Log log;
  log.set_target(Log::Target::syslog);
  log.write(LogLevel::info, "a unit test");
  EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace luksdetached
