// One connection to an NBD server: libnbd's asynchronous calls made synchronous and thread-safe.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/event.h"
#include "base/file_descriptor.h"
#include "source/source.h"
#include "source/uri.h"

struct nbd_handle;

namespace luksdetached {

/// What a server says of its export. A value: two connections to one export must agree on it.
struct NbdExport {
  std::uint64_t size = 0;           ///< bytes
  std::uint32_t minimum_block = 0;  ///< bytes; 0 when the server does not say
  std::uint32_t maximum_block = 0;  ///< bytes in one request; 0 when the server does not say
  bool read_only = false;
  bool can_flush = false;
  bool can_fua = false;
  bool can_trim = false;
  bool can_cache = false;
  bool can_find_holes = false;  ///< false with `NbdHoles::unwanted`
  bool rotational = false;
  bool multi_conn = false;

  bool operator==(const NbdExport&) const = default;
};

/// Whether a server is asked if it can tell holes from data.
enum class NbdHoles { unwanted, wanted };

/// How long to wait for a server, each counted from the start of what it bounds.
struct NbdDeadlines {
  /// TCP or unix connect, TLS handshake and NBD negotiation together. Looking up a host name comes
  /// before it and is not bounded: libnbd does it synchronously.
  std::chrono::milliseconds connect = std::chrono::seconds(30);
  /// One request made before `start()`; those after it say themselves how long they wait.
  std::chrono::milliseconds request = std::chrono::seconds(30);
  /// Everything together until `start()`, or until the connection is closed without it.
  std::chrono::milliseconds all = std::chrono::minutes(2);
  /// When it happens, connecting ends at once. Must outlive the connection's constructor.
  const Event* cancel = nullptr;
};

/// The connection was lost before a request was answered: whether it was carried out is open.
class ConnectionLost : public Error {
 public:
  explicit ConnectionLost(const std::string& message) : Error(ErrorKind::io, message, EIO) {}
};

/// No answer came in time, and the connection was given up: whether it was carried out is open.
class Unanswered : public Error {
 public:
  explicit Unanswered(const std::string& message) : Error(ErrorKind::io, message, EIO) {}
};

/// One connection. Owns the libnbd handle, its socket, and after `start()` the thread that reads
/// the replies.
///
/// nbdkit forks between opening and serving, and a thread does not survive that: until `start()`
/// the caller's own thread waits on the socket, and only one thread may call. After it any thread
/// may call at any time; requests are in flight together.
///
/// When the connection is lost, every request in flight and every later one throws ConnectionLost
/// at once. A buffer is never touched after the call that it was given to has returned or thrown.
class NbdConnection {
 public:
  using Clock = std::chrono::steady_clock;

  /// Connects. Throws Error(source_unreachable) with libnbd's reason, redacted, or when the
  /// deadline has passed. `uri` must be of an NBD scheme and have passed `check_tls_policy`.
  NbdConnection(Uri uri, const NbdDeadlines& deadlines, NbdHoles holes = NbdHoles::unwanted);
  /// The same over `socket`, which is connected to a server of our own, for its default export;
  /// `uri` is what the server was made for.
  NbdConnection(FileDescriptor socket, Uri uri, const NbdDeadlines& deadlines,
                NbdHoles holes = NbdHoles::unwanted);
  NbdConnection(const NbdConnection&) = delete;
  NbdConnection& operator=(const NbdConnection&) = delete;

  /// After `start()` says goodbye to the server, without waiting for its answer. Before it the
  /// socket is only closed: this may be the copy in the parent of the process that goes on to
  /// serve, where a goodbye would end the connection for both.
  ~NbdConnection();

  /// Starts the reading thread. Once, in the process that serves. `on_loss` is called from it when
  /// the connection was lost, also when that was before.
  void start(std::function<void()> on_loss = {});

  const NbdExport& exported() const noexcept { return export_; }

  /// True when no request can succeed any more.
  bool lost() const noexcept;

  /// Why it was lost, a few words; empty when the server has just closed it.
  std::string loss_reason() const;

  /// Loses the connection, in all processes that have it.
  void give_up() noexcept;

  /// Requests; lengths must be 1 byte to the server's maximum, and aligned to its minimum block.
  ///
  /// After `start()` each waits for its answer until `answer_by`; then the connection is given up,
  /// and it throws Unanswered. Before it the deadlines of the constructor count, and it
  /// throws Error(source_unreachable). Otherwise they throw ConnectionLost, or Error(io) with the
  /// server's errno.
  void read(std::span<std::byte> to, std::uint64_t offset, Clock::time_point answer_by);
  /// The same in requests of `part` bytes, several of which are in flight together once it was
  /// started. As Source::read_parts; when it throws, those whose `arrived` has returned are there.
  /// `patience` begins anew with each part that has arrived.
  void read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                  Clock::duration patience, const Source::Arrived& arrived);
  /// How many requests of `read_parts` are in flight together.
  static constexpr std::size_t parts_at_once = 16;
  /// `fua`: on stable storage when it returns; only when the export says `can_fua`.
  void write(std::span<const std::byte> from, std::uint64_t offset, bool fua,
             Clock::time_point answer_by);
  /// Only when the export says `can_flush`.
  void flush(Clock::time_point answer_by);
  /// Only when the export says `can_trim`.
  void trim(std::uint64_t length, std::uint64_t offset, Clock::time_point answer_by);
  /// Only when the export says `can_cache`.
  void cache(std::uint64_t length, std::uint64_t offset, Clock::time_point answer_by);
  /// As Source::extents. Only when the export says `can_find_holes`.
  std::vector<Extent> block_status(std::uint64_t length, std::uint64_t offset, std::size_t most,
                                   Clock::time_point answer_by);

 private:
  // Closes the handle also when the constructor throws.
  struct Handle {
    Handle();
    ~Handle() { close(); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    void close() noexcept;
    nbd_handle* nbd;
  };

  void configure(NbdHoles holes);
  void connect(FileDescriptor socket);
  void watch_peer();
  void learn_export();
  bool wait_for_socket(Clock::time_point deadline);
  void read_replies() noexcept;
  void note_loss(std::string reason);
  std::string libnbd_error() const;

  class Completion;
  struct Action;
  class Read;

  template <typename Issue>
  std::uint64_t begin(const Action& action, Completion& completion, Issue issue);
  int outcome(const Action& action, Completion& completion, std::uint64_t cookie,
              Clock::time_point answer_by);
  void require_success(const Action& action, int code);
  template <typename Issue>
  void run(const Action& action, Clock::time_point answer_by, Issue issue);
  [[noreturn]] void fail_unanswered(const Action& action, std::chrono::milliseconds waited);
  [[noreturn]] void fail_lost(const Action& action);

  Uri uri_;
  NbdDeadlines deadlines_;
  Clock::time_point give_up_;  // before start()
  Event kick_;  // for the reader: the socket must be polled for writing too, or it shall end
  Handle handle_;
  FileDescriptor socket_;  // libnbd's, once more: it may close its own at any time
  NbdExport export_;
  std::atomic<bool> in_one_part_ = false;  // ask for answers to reads in one part
  std::atomic<bool> stopping_ = false;
  std::function<void()> on_loss_;
  std::thread reader_;
  mutable std::mutex loss_mutex_;
  std::string loss_reason_;  // the first one; guarded by loss_mutex_
};

}  // namespace luksdetached
