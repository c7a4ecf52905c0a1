// An NBD server inside the test: odd or hostile where a real one would not be, and it writes down
// what it was asked.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "testing.h"

namespace luksdetached::testing {

struct Command {
  std::uint16_t flags;
  std::uint16_t type;  // one of command_…
  std::uint64_t offset;
  std::uint32_t length;
};

constexpr std::uint16_t command_read = 0;
constexpr std::uint16_t command_write = 1;
constexpr std::uint16_t command_disconnect = 2;
constexpr std::uint16_t command_flush = 3;
constexpr std::uint16_t command_trim = 4;
constexpr std::uint16_t command_cache = 5;
constexpr std::uint16_t command_block_status = 7;
constexpr std::uint16_t command_flag_fua = 1;

/// Transmission flags of the NBD protocol.
constexpr std::uint16_t flag_has_flags = 1 << 0;
constexpr std::uint16_t flag_read_only = 1 << 1;
constexpr std::uint16_t flag_send_flush = 1 << 2;
constexpr std::uint16_t flag_send_fua = 1 << 3;
constexpr std::uint16_t flag_rotational = 1 << 4;
constexpr std::uint16_t flag_send_trim = 1 << 5;
constexpr std::uint16_t flag_multi_conn = 1 << 8;
constexpr std::uint16_t flag_send_cache = 1 << 10;

struct FakeNbdBehaviour {
  std::uint64_t size = 1 << 20;  // as told; at most 64 MiB are kept
  std::uint16_t flags = flag_has_flags | flag_send_flush | flag_send_fua;
  std::uint32_t minimum_block = 0;  // 0: block sizes are not told
  std::uint32_t maximum_block = 32 << 20;
  std::uint64_t size_step = 0;        // each connection is told so much more
  unsigned answer_connections = ~0u;  // further ones are never answered
  bool omit_read_data = false;        // structured replies that say "done" without the bytes
  std::uint32_t write_error = 0;      // the NBD error that every write gets
  std::uint32_t read_error = 0;       // the same of reads
  // A request there ends its connection without an answer, so many times.
  std::optional<std::uint64_t> vanish_at = std::nullopt;
  unsigned vanish_times = ~0u;
  unsigned vanishing_flushes = 0;  // so many flushes end their connections without an answer
  // Offers base:allocation; every question gets these lengths and flags in turn.
  std::optional<std::vector<std::uint32_t>> block_status = std::nullopt;
};

class FakeNbdServer {
 public:
  explicit FakeNbdServer(const FakeNbdBehaviour& behaviour);
  ~FakeNbdServer();

  std::string uri() const { return "nbd+unix:///?socket=" + socket_; }
  unsigned connections() const { return connections_; }
  std::vector<Command> commands();
  /// Ends the connection with this number, the first being 0.
  void drop(unsigned number);
  /// Ends all connections.
  void drop_all();
  /// What further connections meet.
  void become(const FakeNbdBehaviour& behaviour);

 private:
  void accept_loop();
  void serve(int fd, unsigned number);
  static bool negotiate(int fd, unsigned number, const FakeNbdBehaviour& behaviour,
                        bool& structured);

  TempDir dir_;
  std::string socket_;
  int listener_;
  std::atomic<unsigned> connections_ = 0;
  std::mutex mutex_;  // guards what follows
  FakeNbdBehaviour behaviour_;
  unsigned vanished_ = 0;
  Bytes disk_;
  std::vector<Command> commands_;
  std::list<int> open_;
  std::list<std::thread> workers_;
  std::thread acceptor_;
};

}  // namespace luksdetached::testing
