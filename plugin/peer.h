// Who is at the other end of a connection.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "access.h"
#include "log/audit_line.h"

namespace luksdetached {

struct Peer {
  enum class Transport { pipe, unix_socket, tcp, vsock, other };
  Transport transport = Transport::other;
  PeerKind kind = PeerKind::remote;
  /// Transport::unix_socket: what the kernel tells of the process that connected, as it was then.
  std::optional<std::uint32_t> uid, gid;
  std::optional<std::int64_t> pid;
  std::string address;     ///< Transport::tcp: of IP; Transport::vsock: the CID
  std::uint32_t port = 0;  ///< Transport::tcp and vsock
  bool tls = false;
  std::string subject;  ///< of its certificate, verified; empty when there is none to know
};

/// Who has this address, as getpeername(2) gives it. Says nothing of accounts or TLS.
Peer peer_at(const sockaddr_storage& address);

/// Adds what is known of `peer` to a line of the log.
void add_peer(AuditLine& line, const Peer& peer);

}  // namespace luksdetached
