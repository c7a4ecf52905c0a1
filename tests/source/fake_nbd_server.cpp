#include "fake_nbd_server.h"

#include <endian.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <string_view>

namespace luksdetached::testing {

namespace {

constexpr std::uint64_t option_magic = 0x49484156454F5054;
constexpr std::uint64_t option_reply_magic = 0x3e889045565a9;
constexpr std::uint32_t option_go = 7;
constexpr std::uint32_t option_structured_reply = 8;
constexpr std::uint32_t option_set_meta_context = 10;
constexpr std::string_view base_allocation = "base:allocation";

bool receive(int fd, void* to, std::size_t size) {
  auto* bytes = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t done = ::recv(fd, bytes, size, 0);
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool send_all(int fd, const void* from, std::size_t size) {
  const auto* bytes = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t done = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

// A message under construction, big-endian.
class Message {
 public:
  Message& u16(std::uint16_t value) { return add(htobe16(value)); }
  Message& u32(std::uint32_t value) { return add(htobe32(value)); }
  Message& u64(std::uint64_t value) { return add(htobe64(value)); }
  Message& text(std::string_view value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  bool send(int fd) const { return send_all(fd, bytes_.data(), bytes_.size()); }

 private:
  template <typename T>
  Message& add(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  std::vector<char> bytes_;
};

Message option_reply(std::uint32_t option, std::uint32_t type, std::uint32_t length) {
  Message message;
  message.u64(option_reply_magic).u32(option).u32(type).u32(length);
  return message;
}

}  // namespace

FakeNbdServer::FakeNbdServer(const FakeNbdBehaviour& behaviour)
    : socket_(dir_.file("socket")),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      behaviour_(behaviour),
      disk_(std::min<std::uint64_t>(behaviour.size, 64 << 20)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("cannot listen");
  }
  acceptor_ = std::thread(&FakeNbdServer::accept_loop, this);
}

FakeNbdServer::~FakeNbdServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& worker : workers_) worker.join();
  for (const int fd : open_) ::close(fd);
  ::close(listener_);
}

std::vector<Command> FakeNbdServer::commands() {
  const std::scoped_lock lock(mutex_);
  return commands_;
}

void FakeNbdServer::drop(unsigned number) {
  const std::scoped_lock lock(mutex_);
  ::shutdown(*std::next(open_.begin(), number), SHUT_RDWR);
}

void FakeNbdServer::drop_all() {
  const std::scoped_lock lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void FakeNbdServer::become(const FakeNbdBehaviour& behaviour) {
  const std::scoped_lock lock(mutex_);
  behaviour_ = behaviour;
  vanished_ = 0;
}

void FakeNbdServer::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd == -1) return;
    const unsigned number = connections_++;
    const std::scoped_lock lock(mutex_);
    open_.push_back(fd);
    if (number < behaviour_.answer_connections) {
      workers_.emplace_back(&FakeNbdServer::serve, this, fd, number);
    }
  }
}

bool FakeNbdServer::negotiate(int fd, unsigned number, const FakeNbdBehaviour& behaviour,
                              bool& structured) {
  std::uint32_t client_flags = 0;
  if (!Message().u64(0x4e42444d41474943).u64(option_magic).u16(3).send(fd)) return false;
  if (!receive(fd, &client_flags, sizeof client_flags)) return false;
  for (;;) {
    struct {
      std::uint64_t magic;
      std::uint32_t option;
      std::uint32_t length;
    } header;
    if (!receive(fd, &header, sizeof header)) return false;
    const std::uint32_t option = be32toh(header.option);
    std::vector<char> data(be32toh(header.length));
    if (!receive(fd, data.data(), data.size())) return false;
    if (option == option_structured_reply) {
      structured = true;
      if (!option_reply(option, 1, 0).send(fd)) return false;
    } else if (option == option_go) {
      const std::uint64_t size = behaviour.size + number * behaviour.size_step;
      if (!option_reply(option, 3, 12).u16(0).u64(size).u16(behaviour.flags).send(fd)) {
        return false;
      }
      if (behaviour.minimum_block != 0 &&
          !option_reply(option, 3, 14)
               .u16(3)
               .u32(behaviour.minimum_block)
               .u32(std::max(behaviour.minimum_block,
                             std::min(std::bit_floor(behaviour.maximum_block), 4096U)))
               .u32(behaviour.maximum_block)
               .send(fd)) {
        return false;
      }
      return option_reply(option, 1, 0).send(fd);
    } else if (option == option_set_meta_context && behaviour.block_status) {
      const auto length = static_cast<std::uint32_t>(4 + base_allocation.size());
      if (!option_reply(option, 4, length).u32(1).text(base_allocation).send(fd)) return false;
      if (!option_reply(option, 1, 0).send(fd)) return false;
    } else if (!option_reply(option, 0x80000001, 0).send(fd)) {  // not supported
      return false;
    }
  }
}

void FakeNbdServer::serve(int fd, unsigned number) {
  FakeNbdBehaviour behaviour;
  {
    const std::scoped_lock lock(mutex_);
    behaviour = behaviour_;
  }
  bool structured = false;
  if (!negotiate(fd, number, behaviour, structured)) return;
  for (;;) {
    struct __attribute__((packed)) {
      std::uint32_t magic;
      std::uint16_t flags;
      std::uint16_t type;
      std::uint64_t handle;
      std::uint64_t offset;
      std::uint32_t length;
    } request;
    if (!receive(fd, &request, sizeof request)) return;
    const Command command = {be16toh(request.flags), be16toh(request.type), be64toh(request.offset),
                             be32toh(request.length)};
    const bool has_data = command.type == command_read || command.type == command_write;
    Bytes data(has_data ? command.length : 0);
    if (command.type == command_write && !receive(fd, data.data(), data.size())) return;
    bool vanishes = command.type == command_disconnect;
    {
      const std::scoped_lock lock(mutex_);
      commands_.push_back(command);
      if (has_data || command.type == command_trim) {
        vanishes = behaviour.vanish_at == command.offset && vanished_ < behaviour.vanish_times;
        vanished_ += vanishes ? 1 : 0;
      } else if (command.type == command_flush) {
        vanishes = vanished_ < behaviour.vanishing_flushes;
        vanished_ += vanishes ? 1 : 0;
      }
      if (command.type == command_write && behaviour.write_error == 0) {
        std::copy(data.begin(), data.end(),
                  disk_.begin() + static_cast<std::ptrdiff_t>(command.offset));
      } else if (command.type == command_read) {
        std::copy_n(disk_.begin() + static_cast<std::ptrdiff_t>(command.offset), data.size(),
                    data.begin());
      }
    }
    if (vanishes) {
      ::shutdown(fd, SHUT_RDWR);
      return;
    }
    const std::uint64_t handle = be64toh(request.handle);
    if (command.type == command_block_status) {
      const std::vector<std::uint32_t>& status = *behaviour.block_status;
      Message chunk;
      chunk.u32(0x668e33ef).u16(1).u16(5).u64(handle);
      chunk.u32(static_cast<std::uint32_t>(4 + 4 * status.size())).u32(1);
      for (const std::uint32_t value : status) chunk.u32(value);
      if (!chunk.send(fd)) return;
      continue;
    }
    if (command.type == command_read && behaviour.read_error != 0) {
      Message error;
      if (structured) {
        error.u32(0x668e33ef)
            .u16(1)
            .u16(0x8001)
            .u64(handle)
            .u32(6)
            .u32(behaviour.read_error)
            .u16(0);
      } else {
        error.u32(0x67446698).u32(behaviour.read_error).u64(handle);
      }
      if (!error.send(fd)) return;
      continue;
    }
    if (command.type != command_read || !structured) {
      const std::uint32_t error = command.type == command_write ? behaviour.write_error : 0;
      if (!Message().u32(0x67446698).u32(error).u64(handle).send(fd)) return;
      if (command.type == command_read && !send_all(fd, data.data(), data.size())) return;
    } else if (behaviour.omit_read_data) {
      if (!Message().u32(0x668e33ef).u16(1).u16(0).u64(handle).u32(0).send(fd)) return;
    } else {
      Message chunk;
      chunk.u32(0x668e33ef).u16(1).u16(1).u64(handle).u32(command.length + 8).u64(command.offset);
      if (!chunk.send(fd) || !send_all(fd, data.data(), data.size())) return;
    }
  }
}

}  // namespace luksdetached::testing
