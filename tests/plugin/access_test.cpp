#include "access.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

// Where it is of an older kernel, it needs <sys/socket.h> before it.
#include <linux/vm_sockets.h>

#include <cstring>
#include <ostream>
#include <string>
#include <utility>

namespace luksdetached {

void PrintTo(PeerKind kind, std::ostream* out) {
  *out << (kind == PeerKind::local ? "local" : kind == PeerKind::loopback ? "loopback" : "remote");
}

namespace {

template <typename Address>
sockaddr_storage stored(const Address& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

sockaddr_storage v4(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(40000);
  EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1) << text;
  return stored(address);
}

sockaddr_storage v6(const char* text) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(40000);
  EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1) << text;
  return stored(address);
}

sockaddr_storage of_family(sa_family_t family) {
  sockaddr_storage storage{};
  storage.ss_family = family;
  return storage;
}

TEST(ClassifyPeerTest, Ipv4LoopbackIsAllOf127) {
  const std::pair<const char*, PeerKind> table[] = {
      {"127.0.0.1", PeerKind::loopback},     {"127.0.0.0", PeerKind::loopback},
      {"127.1.2.3", PeerKind::loopback},     {"127.255.255.255", PeerKind::loopback},
      {"126.255.255.255", PeerKind::remote}, {"128.0.0.0", PeerKind::remote},
      {"10.0.0.1", PeerKind::remote},        {"192.168.1.1", PeerKind::remote},
      {"169.254.1.1", PeerKind::remote},     {"0.0.0.0", PeerKind::remote},
      {"1.0.0.127", PeerKind::remote},       {"255.255.255.255", PeerKind::remote},
  };
  for (const auto& [text, kind] : table) EXPECT_EQ(classify_peer(v4(text)), kind) << text;
}

TEST(ClassifyPeerTest, Ipv6LoopbackIsOneAddressAndTheMappedOnesOfIpv4) {
  const std::pair<const char*, PeerKind> table[] = {
      {"::1", PeerKind::loopback},
      {"::ffff:127.0.0.1", PeerKind::loopback},
      {"::ffff:127.255.0.9", PeerKind::loopback},
      {"::ffff:10.0.0.1", PeerKind::remote},
      {"::ffff:128.0.0.1", PeerKind::remote},
      {"::127.0.0.1", PeerKind::remote},  // "IPv4-compatible", long gone
      {"64:ff9b::127.0.0.1", PeerKind::remote},
      {"::", PeerKind::remote},
      {"::2", PeerKind::remote},
      {"fe80::1", PeerKind::remote},
      {"fd00::1", PeerKind::remote},
      {"2001:db8::1", PeerKind::remote},
      {"100::1", PeerKind::remote},
  };
  for (const auto& [text, kind] : table) EXPECT_EQ(classify_peer(v6(text)), kind) << text;
}

TEST(ClassifyPeerTest, AUnixSocketIsLocal) {
  EXPECT_EQ(classify_peer(of_family(AF_UNIX)), PeerKind::local);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/nbd.sock");
  EXPECT_EQ(classify_peer(stored(address)), PeerKind::local);
}

TEST(ClassifyPeerTest, VsockIsRemoteAlsoFromThisMachine) {
  for (const unsigned cid : {0U /* hypervisor */, 1U /* local */, 2U /* host */, 42U}) {
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = cid;
    EXPECT_EQ(classify_peer(stored(address)), PeerKind::remote) << cid;
  }
}

TEST(ClassifyPeerTest, WhatIsNotKnownIsRemote) {
  EXPECT_EQ(classify_peer(of_family(AF_UNSPEC)), PeerKind::remote);
  EXPECT_EQ(classify_peer(of_family(AF_NETLINK)), PeerKind::remote);
  EXPECT_EQ(classify_peer(of_family(65535)), PeerKind::remote);
}

TEST(DecideAccessTest, OnlyARemotePeerWithoutTlsIsRefusedUnlessInsecure) {
  struct Row {
    PeerKind peer;
    bool tls, insecure, allowed;
    const char* word;  // of the message; nothing: there is none
  };
  const Row table[] = {
      {PeerKind::local, false, false, true, nullptr},
      {PeerKind::local, true, false, true, nullptr},
      {PeerKind::local, false, true, true, nullptr},
      {PeerKind::local, true, true, true, nullptr},
      {PeerKind::loopback, false, false, true, "every local user"},
      {PeerKind::loopback, true, false, true, nullptr},
      {PeerKind::loopback, false, true, true, "every local user"},
      {PeerKind::loopback, true, true, true, nullptr},
      {PeerKind::remote, false, false, false, "--tls=require"},
      {PeerKind::remote, true, false, true, nullptr},
      {PeerKind::remote, false, true, true, "insecure=true"},
      {PeerKind::remote, true, true, true, nullptr},
  };
  for (const Row& row : table) {
    const AccessDecision decision = decide_access(row.peer, row.tls, row.insecure);
    const std::string what = ::testing::PrintToString(row.peer) + (row.tls ? " tls" : "") +
                             (row.insecure ? " insecure" : "");
    EXPECT_EQ(decision.allowed, row.allowed) << what;
    if (row.word == nullptr) {
      EXPECT_EQ(decision.message, "") << what;
    } else {
      EXPECT_NE(decision.message.find(row.word), std::string::npos) << what;
    }
  }
}

}  // namespace
}  // namespace luksdetached
