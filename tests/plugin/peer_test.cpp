#include "peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Where it is of an older kernel, it needs <sys/socket.h> before it.
#include <linux/vm_sockets.h>

#include <cstring>
#include <string>

namespace luksdetached {
namespace {

template <typename Address>
sockaddr_storage stored(const Address& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

std::string fields(const Peer& peer) {
  AuditLine line("x");
  add_peer(line, peer);
  return line.line();
}

TEST(PeerTest, OfAUnixSocketHasWhatTheKernelTells) {
  sockaddr_storage address{};
  address.ss_family = AF_UNIX;
  Peer peer = peer_at(address);
  EXPECT_EQ(peer.kind, PeerKind::local);
  EXPECT_EQ(fields(peer), "audit event=x peer=unix tls=none");
  peer.uid = 1000;
  peer.gid = 100;
  peer.pid = 4711;
  EXPECT_EQ(fields(peer), "audit event=x peer=unix uid=1000 gid=100 pid=4711 tls=none");
}

TEST(PeerTest, OfTcpHasItsAddress) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(40000);
  inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  EXPECT_EQ(fields(peer_at(stored(v4))),
            "audit event=x peer=tcp address=192.0.2.7 port=40000 tls=none");
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(1);
  inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
  EXPECT_EQ(fields(peer_at(stored(v6))),
            "audit event=x peer=tcp address=2001:db8::7 port=1 tls=none");
}

TEST(PeerTest, OfVsockHasItsCid) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = 42;
  address.svm_port = 4000000000;
  EXPECT_EQ(fields(peer_at(stored(address))),
            "audit event=x peer=vsock address=42 port=4000000000 tls=none");
}

TEST(PeerTest, WithTlsHasItsSubjectIfThatIsKnown) {
  Peer peer;
  peer.transport = Peer::Transport::pipe;
  peer.tls = true;
  EXPECT_EQ(fields(peer), "audit event=x peer=pipe tls=yes");
  peer.subject = "CN=host1,O=\"Example\"";
  EXPECT_EQ(fields(peer),
            R"(audit event=x peer=pipe tls=certificate subject="CN=host1,O=\"Example\"")");
}

}  // namespace
}  // namespace luksdetached
