#include "export_access.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

Peer local(std::uint32_t uid, std::uint32_t gid) {
  Peer peer;
  peer.transport = Peer::Transport::unix_socket;
  peer.kind = PeerKind::local;
  peer.uid = uid;
  peer.gid = gid;
  return peer;
}

Peer with_subject(const std::string& subject) {
  Peer peer;
  peer.transport = Peer::Transport::tcp;
  peer.tls = true;
  peer.subject = subject;
  return peer;
}

bool may_open(const ExportRules& rules, const Peer& peer) {
  return why_not_allowed(rules, peer).empty();
}

TEST(ExportAccessTest, WithoutRulesEverybodyMay) {
  EXPECT_TRUE(may_open({}, Peer{}));
  EXPECT_TRUE(may_open({.list = false, .max_clients = 1}, local(1, 1)));
}

TEST(ExportAccessTest, AUserOrGroupOfTheListsMay) {
  const ExportRules rules{.allow_uid = {1000, 1001}, .allow_gid = {100}};
  EXPECT_TRUE(may_open(rules, local(1001, 5)));
  EXPECT_TRUE(may_open(rules, local(5, 100)));
  EXPECT_FALSE(may_open(rules, local(100, 1000)));
}

TEST(ExportAccessTest, RootIsOneUserOfMany) {
  EXPECT_FALSE(may_open({.allow_uid = {1000}}, local(0, 0)));
  EXPECT_TRUE(may_open({.allow_uid = {0}}, local(0, 0)));
}

TEST(ExportAccessTest, WhoHasNoUserMatchesNone) {
  EXPECT_FALSE(may_open({.allow_uid = {0}, .allow_gid = {0}}, Peer{}));
  EXPECT_FALSE(may_open({.allow_uid = {0}}, with_subject("CN=a")));
}

TEST(ExportAccessTest, ASubjectIsTheWholeOfIt) {
  const ExportRules rules{.allow_subject = {"CN=a,O=b"}};
  EXPECT_TRUE(may_open(rules, with_subject("CN=a,O=b")));
  for (const char* other : {"CN=a", "CN=a,O=b,C=c", "cn=a,o=b", "O=b,CN=a", ""}) {
    EXPECT_FALSE(may_open(rules, with_subject(other))) << other;
  }
}

TEST(ExportAccessTest, OneMatchOfAnyKindIsEnough) {
  const ExportRules rules{.allow_uid = {7}, .allow_subject = {"CN=a"}};
  EXPECT_TRUE(may_open(rules, with_subject("CN=a")));
  EXPECT_TRUE(may_open(rules, local(7, 0)));
}

TEST(ExportAccessTest, TheReasonNamesTheRules) {
  EXPECT_EQ(why_not_allowed({.allow_uid = {7}, .allow_subject = {"CN=a"}}, local(8, 8)),
            "the client is not in what the export has of allow-uid, allow-subject");
}

}  // namespace
}  // namespace luksdetached
