#include "audit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace luksdetached {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// Standard error is a pipe meanwhile.
class AuditTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reading_ = ends[0];
    before_ = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    ::unsetenv("JOURNAL_STREAM");
    peer_.transport = Peer::Transport::unix_socket;
    peer_.uid = 7;
  }
  void TearDown() override {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(reading_);
  }

  std::vector<std::string> lines() const {
    std::array<char, 65536> text{};
    const ssize_t bytes = ::read(reading_, text.data(), text.size());
    std::istringstream said({text.data(), bytes < 0 ? 0 : static_cast<std::size_t>(bytes)});
    std::vector<std::string> all;
    for (std::string line; std::getline(said, line);) all.push_back(line);
    return all;
  }

  Log log_;
  Audit audit_{log_};
  Peer peer_;

 private:
  int reading_ = -1, before_ = -1;
};

TEST_F(AuditTest, ARefusalIsAWarningWithItsReason) {
  audit_.refused("vm\"1", peer_, "why");
  audit_.refused(std::nullopt, peer_, "why");
  EXPECT_THAT(
      lines(),
      ElementsAre(
          EndsWith(
              R"(warning: audit event=refusal export="vm\"1" peer=unix uid=7 tls=none reason="why")"),
          EndsWith(R"(: audit event=refusal peer=unix uid=7 tls=none reason="why")")));
}

TEST_F(AuditTest, RefusalsDoNotFloodTheLog) {
  for (int i = 0; i < 1000; ++i) audit_.refused("x", peer_, "why");
  EXPECT_EQ(lines().size(), 20u);
}

TEST_F(AuditTest, ConnectionsAreTold) {
  audit_.connected(peer_);
  EXPECT_THAT(lines(), ElementsAre(EndsWith("info: audit event=connect peer=unix uid=7 tls=none")));
}

TEST_F(AuditTest, ConnectionsDoNotFloodTheLog) {
  for (int i = 0; i < 1000; ++i) audit_.connected(peer_);
  EXPECT_EQ(lines().size(), 100u);
}

TEST_F(AuditTest, OpenAndCloseHaveOneNumber) {
  { const Audit::Opened first(audit_, "a", peer_, true); }
  { const Audit::Opened second(audit_, "b", peer_, false); }
  EXPECT_THAT(
      lines(),
      ElementsAre(
          EndsWith(
              R"(info: audit event=open export="a" peer=unix uid=7 tls=none connection=1 access=read-only)"),
          EndsWith(R"(event=close export="a" peer=unix uid=7 tls=none connection=1 seconds=0)"),
          EndsWith(R"(connection=2 access=read-write)"), HasSubstr("connection=2 seconds=0")));
}

TEST_F(AuditTest, WhatIsOpenAtTheEndIsClosedOnce) {
  {
    const Audit::Opened open(audit_, "a", peer_, true);
    audit_.end();
    EXPECT_THAT(lines(), ElementsAre(HasSubstr("event=open"), HasSubstr("event=close")));
  }
  EXPECT_THAT(lines(), ElementsAre());
}

TEST_F(AuditTest, AnUnlockSaysByWhat) {
  audit_.unlocked("a", {.header = "nbds://vault/a", .keyslot = 3});
  audit_.unlocked("a", {.header = "/h", .keyslot = std::nullopt});
  audit_.removed("a", "it was removed");
  EXPECT_THAT(
      lines(),
      ElementsAre(
          EndsWith(R"(notice: audit event=unlock export="a" keyslot=3 header="nbds://vault/a")"),
          EndsWith(R"(keyslot=none header="/h")"),
          EndsWith(R"(notice: audit event=remove export="a" detail="it was removed")")));
}

}  // namespace
}  // namespace luksdetached
