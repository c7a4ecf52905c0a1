#include "current_peer.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <cerrno>

#include "base/error.h"
#include "newer_nbdkit.h"

namespace luksdetached {

namespace {

std::optional<std::uint32_t> known(std::int64_t id) {
  return id < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(id));
}

}  // namespace

Peer current_peer(bool tls) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Peer peer;
  if (nbdkit_peer_name(reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    peer = peer_at(address);
  } else if (errno == ENOTSOCK) {  // standard input
    peer.transport = Peer::Transport::pipe;
    peer.kind = PeerKind::local;
  } else {
    throw Error(ErrorKind::policy, "a client whose address is unknown is refused");
  }
  if (peer.transport == Peer::Transport::unix_socket) {
    peer.uid = known(nbdkit_peer_uid());
    peer.gid = known(nbdkit_peer_gid());
    if (const std::int64_t pid = nbdkit_peer_pid(); pid > 0) peer.pid = pid;
  }
  peer.tls = tls;
  if (tls) peer.subject = client_subject();
  return peer;
}

}  // namespace luksdetached
