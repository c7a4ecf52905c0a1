#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Where it is of an older kernel, it needs <sys/socket.h> before it.
#include <linux/vm_sockets.h>

#include <array>

#include "base/socket_address.h"

namespace luksdetached {

namespace {

std::string_view word_of(Peer::Transport transport) noexcept {
  switch (transport) {
    case Peer::Transport::pipe:
      return "pipe";
    case Peer::Transport::unix_socket:
      return "unix";
    case Peer::Transport::tcp:
      return "tcp";
    case Peer::Transport::vsock:
      return "vsock";
    case Peer::Transport::other:
      return "other";
  }
  return {};
}

std::string ip_text(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, address, text.data(), text.size()) == nullptr ? "" : text.data();
}

}  // namespace

Peer peer_at(const sockaddr_storage& address) {
  Peer peer;
  peer.kind = classify_peer(address);
  if (address.ss_family == AF_UNIX) {
    peer.transport = Peer::Transport::unix_socket;
  } else if (address.ss_family == AF_INET) {
    const auto ip = address_as<sockaddr_in>(address);
    peer.transport = Peer::Transport::tcp;
    peer.address = ip_text(AF_INET, &ip.sin_addr);
    peer.port = ntohs(ip.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto ip = address_as<sockaddr_in6>(address);
    peer.transport = Peer::Transport::tcp;
    peer.address = ip_text(AF_INET6, &ip.sin6_addr);
    peer.port = ntohs(ip.sin6_port);
  } else if (address.ss_family == AF_VSOCK) {
    const auto vm = address_as<sockaddr_vm>(address);
    peer.transport = Peer::Transport::vsock;
    peer.address = std::to_string(vm.svm_cid);
    peer.port = vm.svm_port;
  }
  return peer;
}

void add_peer(AuditLine& line, const Peer& peer) {
  line.word("peer", word_of(peer.transport));
  if (peer.uid) line.number("uid", *peer.uid);
  if (peer.gid) line.number("gid", *peer.gid);
  if (peer.pid) line.number("pid", *peer.pid);
  if (!peer.address.empty()) line.word("address", peer.address).number("port", peer.port);
  if (!peer.tls) {
    line.word("tls", "none");
  } else if (peer.subject.empty()) {
    line.word("tls", "yes");
  } else {
    line.word("tls", "certificate").text("subject", peer.subject);
  }
}

}  // namespace luksdetached
