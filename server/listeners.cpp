#include "listeners.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// Where it is of an older kernel, it needs <sys/socket.h> before it.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/socket_address.h"
#include "base/unix_listener.h"
#include "base/unix_socket.h"
#include "systemd_sockets.h"

namespace luksdetached {

namespace {

// Where nbdkit takes sockets from, and how many at most.
constexpr int first_socket = 3;
constexpr std::size_t max_sockets = 16;

Error cannot_listen(const std::string& where, int code) {
  return {ErrorKind::source_unreachable, "cannot listen on " + where + ": " + errno_text(code),
          code};
}

std::string name_of(const Listener& tcp) {
  const bool v6 = tcp.host.find(':') != std::string::npos;
  return "tcp:" + (v6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

std::string name_of(const SystemdSocket& socket) {
  return "the socket '" + socket.name + "' of systemd";
}

// Is it known who comes, or does the config say that it does not matter?
bool is_guarded(const ServiceConfig& config) {
  return config.insecure ||
         (config.tls == TlsMode::require && (config.tls_verify_peer || !config.tls_psk.empty()));
}

sockaddr_storage own_address(const FileDescriptor& socket, const std::string& name) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw cannot_listen(name, errno);
  }
  return address;
}

// Whatever the config calls it and wherever it comes from: this is what clients can reach.
void check_reach(const FileDescriptor& socket, const std::string& name) {
  const sockaddr_storage address = own_address(socket, name);
  if (address.ss_family == AF_UNIX || is_loopback(address)) return;
  throw Error(ErrorKind::policy,
              name +
                  " is reached from beyond this machine; that needs tls = \"require\" with "
                  "tls-verify-peer = true or tls-psk, or insecure = true");
}

// A socket of systemd's may be anything.
void check_listens(const SystemdSocket& socket) {
  int listens = 0;
  int type = 0;
  socklen_t size = sizeof listens;
  const bool good = getsockopt(socket.fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
                    getsockopt(socket.fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                    listens != 0 && type == SOCK_STREAM;
  if (good) return;
  throw Error(ErrorKind::source_unreachable,
              name_of(socket) +
                  " is not a stream socket that listens; the socket unit needs ListenStream= and "
                  "Accept=no");
}

// Those of `passed` that `listener` asks for; they are no longer in there.
std::vector<SystemdSocket> choose(const Listener& listener, std::vector<SystemdSocket>& passed) {
  const auto others =
      std::stable_partition(passed.begin(), passed.end(), [&](const SystemdSocket& one) {
        return !listener.name.empty() && one.name != listener.name;
      });
  std::vector<SystemdSocket> chosen(std::make_move_iterator(others),
                                    std::make_move_iterator(passed.end()));
  passed.erase(others, passed.end());
  if (!chosen.empty()) return chosen;
  throw Error(ErrorKind::source_unreachable,
              listener.name.empty()
                  ? "systemd passed no sockets to the service; is it started by a socket unit?"
                  : "systemd passed no socket named '" + listener.name +
                        "' to the service (FileDescriptorName= in the socket unit)");
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const Listener& listener) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(listener.host.c_str(), std::to_string(listener.port).c_str(), &hints, &found);
  if (error == 0) return {found, &freeaddrinfo};
  throw Error(ErrorKind::source_unreachable,
              "cannot listen on " + name_of(listener) + ": " +
                  (error == EAI_SYSTEM ? errno_text(errno) : gai_strerror(error)));
}

// None when this machine has no such address, with errno.
FileDescriptor listen_tcp(const addrinfo& address, const std::string& name) {
  FileDescriptor fd(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, address.ai_protocol));
  const auto fail = [&](std::initializer_list<int> not_here) -> FileDescriptor {
    const int code = errno;
    if (std::find(not_here.begin(), not_here.end(), code) == not_here.end()) {
      throw cannot_listen(name, code);
    }
    fd = {};
    errno = code;
    return {};
  };
  if (!fd) return fail({EAFNOSUPPORT});
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Else :: would be all IPv4 addresses too, and in the way of 0.0.0.0.
  if (address.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return fail({EADDRNOTAVAIL});
  if (listen(fd.get(), SOMAXCONN) != 0) return fail({});
  return fd;
}

bool same_address(const addrinfo& a, const addrinfo& b) {
  return a.ai_addrlen == b.ai_addrlen && std::memcmp(a.ai_addr, b.ai_addr, a.ai_addrlen) == 0;
}

// Has the list from `first` on `one` before itself? Some resolvers say an address twice.
bool came_before(const addrinfo* first, const addrinfo* one) {
  for (; first != one; first = first->ai_next) {
    if (same_address(*first, *one)) return true;
  }
  return false;
}

}  // namespace

Listeners::~Listeners() {
  for (const SocketFile& file : made_) file.remove();
}

void Listeners::open(const ServiceConfig& config, const std::optional<ServiceUser>& user) {
  std::vector<SystemdSocket> passed = take_systemd_sockets();
  for (const Listener& listener : config.listen) {
    switch (listener.kind) {
      case Listener::Kind::unix_socket:
        open_unix(listener, user);
        break;
      case Listener::Kind::tcp:
        open_tcp(listener);
        break;
      case Listener::Kind::vsock:
        open_vsock(listener);
        break;
      case Listener::Kind::systemd:
        take(choose(listener, passed));
        break;
    }
  }
  if (!passed.empty()) {
    throw Error(ErrorKind::source_unreachable,
                name_of(passed.front()) +
                    " was passed to the service, but listen in [service] has neither \"systemd\" "
                    "nor \"systemd:NAME\" for it");
  }
  if (sockets_.size() > max_sockets) {
    throw Error(ErrorKind::source_unreachable,
                "the service would listen on " + std::to_string(sockets_.size()) +
                    " sockets, and nbdkit takes " + std::to_string(max_sockets) + " at most");
  }
  if (is_guarded(config)) return;
  for (const Socket& socket : sockets_) check_reach(socket.fd, socket.name);
}

void Listeners::open_unix(const Listener& listener, const std::optional<ServiceUser>& user) {
  if (is_live_socket(listener.path)) {
    throw Error(ErrorKind::source_unreachable,
                "another process serves on " + listener.path + " already");
  }
  SocketPermissions permissions{.mode = listener.mode};
  if (user) {
    permissions.owner = user->uid;
    permissions.group = user->gid;
  }
  if (!listener.owner.empty()) permissions.owner = user_id(listener.owner);
  if (!listener.group.empty()) permissions.group = group_id(listener.group);
  UnixListener opened = listen_unix("the socket", listener.path, permissions);
  made_.push_back(std::move(opened.file));
  sockets_.push_back({std::move(opened.socket), "unix:" + listener.path});
}

void Listeners::open_tcp(const Listener& listener) {
  const std::string name = name_of(listener);
  const Addresses addresses = resolve(listener);
  const std::size_t before = sockets_.size();
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    if (came_before(addresses.get(), one)) continue;
    if (FileDescriptor fd = listen_tcp(*one, name)) sockets_.push_back({std::move(fd), name});
  }
  if (sockets_.size() == before) throw cannot_listen(name, EADDRNOTAVAIL);
}

void Listeners::open_vsock(const Listener& listener) {
  const std::string name = "vsock:" + std::to_string(listener.port);
  FileDescriptor fd(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_ANY;
  address.svm_port = listener.port;
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), SOMAXCONN) != 0) {
    throw cannot_listen(name, errno);
  }
  sockets_.push_back({std::move(fd), name});
}

void Listeners::take(std::vector<SystemdSocket> sockets) {
  for (SystemdSocket& socket : sockets) {
    check_listens(socket);
    const std::string name = name_of(socket);
    sockets_.push_back({std::move(socket.fd), name});
  }
}

void Listeners::pass_on() {
  // First out of the way, for they may be on each other's places.
  const int above = first_socket + static_cast<int>(sockets_.size());
  for (Socket& socket : sockets_) {
    socket.fd = FileDescriptor(fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, above));
    if (!socket.fd) throw cannot_listen(socket.name, errno);
  }
  int place = first_socket;
  for (const Socket& socket : sockets_) {
    if (dup2(socket.fd.get(), place++) < 0) throw cannot_listen(socket.name, errno);
  }
  // What whoever starts the service has left open is of no use to it.
  close_range(static_cast<unsigned>(above), ~0U, CLOSE_RANGE_CLOEXEC);
  // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", std::to_string(sockets_.size()).c_str(), 1);
  unsetenv("LISTEN_FDNAMES");
  // NOLINTEND(concurrency-mt-unsafe)
}

}  // namespace luksdetached
