#include "source/nbd_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/signals.h"
#include "source/loaded_libnbd.h"
#include "source/socket_limit.h"

namespace luksdetached {

namespace {

// To send the goodbye: the socket takes it at once, unless the server has stopped reading.
constexpr std::chrono::milliseconds goodbye_time{100};

// What a server answers to one question about holes. It may say less than was asked, or more.
class FoundExtents {
 public:
  FoundExtents(std::uint64_t wanted, std::size_t most) : left_(wanted), most_(most) {}
  FoundExtents(const FoundExtents&) = delete;
  FoundExtents& operator=(const FoundExtents&) = delete;

  nbd_extent_callback callback() { return {&FoundExtents::add, this, nullptr}; }

  std::vector<Extent> take() {
    if (extents_.empty()) extents_.push_back({left_, false});  // nothing said: no hole is promised
    return std::move(extents_);
  }

 private:
  // Called with libnbd's lock held. Entries are pairs of length and flags.
  static int add(void* self, const char* /*context*/, std::uint64_t /*offset*/,
                 std::uint32_t* entries, std::size_t count, int* error) {
    auto& found = *static_cast<FoundExtents*>(self);
    try {
      for (std::size_t i = 0;
           i + 1 < count && found.left_ != 0 && found.extents_.size() < found.most_; i += 2) {
        const std::uint64_t length = std::min<std::uint64_t>(entries[i], found.left_);
        if (length == 0) continue;
        found.extents_.push_back({length, (entries[i + 1] & LIBNBD_STATE_HOLE) != 0});
        found.left_ -= length;
      }
    } catch (const std::bad_alloc&) {
      *error = ENOMEM;
      return -1;
    }
    return 0;
  }

  std::uint64_t left_;
  std::size_t most_;
  std::vector<Extent> extents_;
};

// What to do about the failures that people run into most, after libnbd's own words.
std::string advice(std::string_view reason, const Uri& uri) {
  if (!uri.tls_psk_file.empty() && reason.find("gnutls_handshake") != std::string_view::npos) {
    return "; does the server know this user and this key?";
  }
  if (reason.find("certificate verification") != std::string_view::npos) {
    return "; the server's certificate must be signed by ca-cert.pem, name the host of the URI, "
           "and not have expired";
  }
  if (reason.find("requires TLS") != std::string_view::npos) return "; use nbds:// or nbds+unix://";
  if (reason.find("getlogin_r") != std::string_view::npos) {
    return "; a pre-shared key needs its user: nbds://USER@HOST/ or nbds+unix://USER@/";
  }
  if (reason.find("non-properly terminated") != std::string_view::npos ||
      reason.find("Error in the pull function") != std::string_view::npos) {
    return "; does the server ask for a certificate? It needs client-cert.pem and client-key.pem "
           "beside ca-cert.pem, signed by an authority that it trusts";
  }
  return {};
}

std::string seconds_text(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

bool is_lost(nbd_handle* nbd) {
  return libnbd().nbd_aio_is_dead(nbd) == 1 || libnbd().nbd_aio_is_closed(nbd) == 1;
}

}  // namespace

NbdConnection::Handle::Handle() : nbd(libnbd().nbd_create()) {
  if (nbd == nullptr) {
    throw Error(ErrorKind::source_unreachable,
                std::string("cannot set up libnbd: ") + libnbd().nbd_get_error());
  }
}

void NbdConnection::Handle::close() noexcept {
  if (nbd != nullptr) libnbd().nbd_close(std::exchange(nbd, nullptr));
}

NbdConnection::NbdConnection(Uri uri, const NbdDeadlines& deadlines, NbdHoles holes)
    : NbdConnection(FileDescriptor(), std::move(uri), deadlines, holes) {}

NbdConnection::NbdConnection(FileDescriptor socket, Uri uri, const NbdDeadlines& deadlines,
                             NbdHoles holes)
    : uri_(std::move(uri)), deadlines_(deadlines), give_up_(Clock::now() + deadlines.all) {
  configure(holes);
  connect(std::move(socket));
  deadlines_.cancel = nullptr;
  watch_peer();
  learn_export();
}

NbdConnection::~NbdConnection() {
  if (!reader_.joinable()) return;
  stopping_ = true;
  kick_.happen();
  reader_.join();
  if (libnbd().nbd_aio_disconnect(handle_.nbd, 0) == -1) return;
  const auto deadline = Clock::now() + goodbye_time;
  const auto unsent = [this] {
    return (libnbd().nbd_aio_get_direction(handle_.nbd) & LIBNBD_AIO_DIRECTION_WRITE) != 0;
  };
  while (unsent() && wait_for_socket(deadline)) {
  }
}

void NbdConnection::configure(NbdHoles holes) {
  nbd_handle* nbd = handle_.nbd;
  if (libnbd().nbd_set_uri_allow_transports(nbd, LIBNBD_ALLOW_TRANSPORT_MASK) == -1 ||
      libnbd().nbd_set_uri_allow_tls(
          nbd, uses_tls(uri_.scheme) ? LIBNBD_TLS_REQUIRE : LIBNBD_TLS_DISABLE) == -1 ||
      // The files of tls-certificates= and tls-psk-file=; the URI comes from whoever starts us.
      libnbd().nbd_set_uri_allow_local_file(nbd, true) == -1 ||
      (holes == NbdHoles::wanted &&
       libnbd().nbd_add_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1) ||
      // check_tls_policy has let it pass. Older versions of libnbd verify nothing then; newer ones
      // (1.22) ask the authorities of the machine.
      (uses_tls(uri_.scheme) && uri_.tls_certificates.empty() && uri_.tls_psk_file.empty() &&
       libnbd().nbd_set_tls_verify_peer(nbd, false) == -1)) {
    throw Error(ErrorKind::source_unreachable, "cannot set up libnbd: " + libnbd_error());
  }
}

void NbdConnection::connect(FileDescriptor socket) {
  const auto fail = [this](const std::string& reason) {
    throw Error(ErrorKind::source_unreachable,
                "cannot connect to " + uri_.name + ": " + reason + advice(reason, uri_));
  };
  nbd_handle* nbd = handle_.nbd;
  const auto deadline = Clock::now() + deadlines_.connect;
  if (socket) {
    // libnbd takes the socket, also when it fails.
    if (libnbd().nbd_aio_connect_socket(nbd, socket.release()) == -1) fail(libnbd_error());
  } else if (libnbd().nbd_aio_connect_uri(nbd, uri_.text.c_str()) == -1) {
    fail(libnbd_error());
  }
  const auto step = [&] {
    // libnbd's TLS handshake does not come back while the server is silent.
    std::optional<SocketLimit> limit;
    if (uses_tls(uri_.scheme))
      limit.emplace(libnbd().nbd_aio_get_fd(nbd), deadline, deadlines_.cancel);
    return wait_for_socket(deadline);
  };
  while (libnbd().nbd_aio_is_ready(nbd) != 1) {
    const bool late = Clock::now() >= deadline;
    // "Created" is where libnbd returns to when no address of a host accepted.
    if (!late && (is_lost(nbd) || libnbd().nbd_aio_is_created(nbd) == 1)) {
      const std::scoped_lock lock(loss_mutex_);
      fail(loss_reason_.empty() ? "the server closed the connection" : loss_reason_);
    }
    if (late || !step()) {
      if (Clock::now() < deadline) fail("it is not wanted any more");
      fail("the server did not answer within " + seconds_text(deadlines_.connect) + " seconds");
    }
  }
  // libnbd was told to require it; this is what everything else relies on.
  if (uses_tls(uri_.scheme) && libnbd().nbd_get_tls_negotiated(nbd) != 1)
    fail("the connection is not encrypted");
}

// Has the kernel find out that a host or network is gone, which says nothing by itself.
void NbdConnection::watch_peer() {
  socket_ = FileDescriptor(::fcntl(libnbd().nbd_aio_get_fd(handle_.nbd), F_DUPFD_CLOEXEC, 0));
  if (!socket_) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable,
                "cannot connect to " + uri_.name + ": " + errno_text(code), code);
  }
  const int yes = 1;
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes) != 0) return;
  constexpr int idle = 10;    // seconds
  constexpr int between = 5;  // seconds
  constexpr int probes = 3;
  constexpr unsigned unacknowledged = 25'000;  // ms
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged,
               sizeof unacknowledged);
}

void NbdConnection::learn_export() {
  nbd_handle* nbd = handle_.nbd;
  const std::int64_t size = libnbd().nbd_get_size(nbd);
  const std::int64_t minimum = libnbd().nbd_get_block_size(nbd, LIBNBD_SIZE_MINIMUM);
  const std::int64_t maximum = libnbd().nbd_get_block_size(nbd, LIBNBD_SIZE_MAXIMUM);
  const std::array<int, 8> flags = {
      libnbd().nbd_is_read_only(nbd),
      libnbd().nbd_can_flush(nbd),
      libnbd().nbd_can_fua(nbd),
      libnbd().nbd_can_trim(nbd),
      libnbd().nbd_can_cache(nbd),
      libnbd().nbd_can_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION),
      libnbd().nbd_is_rotational(nbd),
      libnbd().nbd_can_multi_conn(nbd),
  };
  const auto refuse = [this](const std::string& what) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + uri_.name + ": " + what);
  };
  // A size of 2^63 or more arrives here as a negative one.
  if (size < 0) refuse("the server gives no size, or one of 2^63 bytes or more");
  if (minimum < 0 || minimum > UINT32_MAX || maximum < 0 || maximum > UINT32_MAX ||
      std::find(flags.begin(), flags.end(), -1) != flags.end()) {
    refuse("the server does not describe its export: " + libnbd_error());
  }
  export_.size = static_cast<std::uint64_t>(size);
  export_.minimum_block = static_cast<std::uint32_t>(minimum);
  export_.maximum_block = static_cast<std::uint32_t>(maximum);
  export_.read_only = flags[0] == 1;
  export_.can_flush = flags[1] == 1;
  export_.can_fua = flags[2] == 1;
  export_.can_trim = flags[3] == 1;
  export_.can_cache = flags[4] == 1;
  export_.can_find_holes = flags[5] == 1;
  export_.rotational = flags[6] == 1;
  export_.multi_conn = flags[7] == 1;
  in_one_part_ = libnbd().nbd_can_df(nbd) == 1;
}

// Lets libnbd's state machine take a step when the socket is ready. False when the deadline passed,
// or when connecting was cancelled.
bool NbdConnection::wait_for_socket(Clock::time_point deadline) {
  nbd_handle* nbd = handle_.nbd;
  const unsigned direction = libnbd().nbd_aio_get_direction(nbd);
  std::array<pollfd, 2> fds = {
      {{direction == 0 ? -1 : libnbd().nbd_aio_get_fd(nbd), 0, 0},
       {deadlines_.cancel == nullptr ? -1 : deadlines_.cancel->descriptor(), POLLIN, 0}}};
  pollfd& socket = fds[0];
  if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) socket.events |= POLLIN;
  if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) socket.events |= POLLOUT;

  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  const int ready =
      ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, INT32_MAX)));
  if (fds[1].revents != 0) return false;
  if (ready <= 0) return true;  // the caller comes back; a deadline that passed is found then

  const bool write_only = (socket.revents & POLLOUT) != 0 && (socket.revents & POLLIN) == 0;
  const int result = write_only || direction == LIBNBD_AIO_DIRECTION_WRITE
                         ? libnbd().nbd_aio_notify_write(nbd)
                         : libnbd().nbd_aio_notify_read(nbd);
  if (result == -1) note_loss(libnbd_error());
  return true;
}

void NbdConnection::start(std::function<void()> on_loss) {
  on_loss_ = std::move(on_loss);
  if (handle_.nbd == nullptr) {  // given up already; every request says so
    if (on_loss_) on_loss_();
    return;
  }
  const NoSignals in_thread;
  try {
    reader_ = std::thread(&NbdConnection::read_replies, this);
  } catch (const std::system_error&) {
    throw Error(ErrorKind::source_unreachable,
                "cannot start the thread that reads from " + uri_.name);
  }
}

void NbdConnection::read_replies() noexcept {
  nbd_handle* nbd = handle_.nbd;
  // libnbd's lock is not held while this thread waits: others issue requests meanwhile, and kick
  // it when the socket did not take all of one.
  std::array<pollfd, 2> fds = {
      {{libnbd().nbd_aio_get_fd(nbd), 0, 0}, {kick_.descriptor(), POLLIN, 0}}};
  while (!stopping_) {
    const unsigned direction = libnbd().nbd_aio_get_direction(nbd);
    if (direction == 0) break;  // lost; libnbd has failed all that was in flight
    fds[0].events = 0;
    if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) fds[0].events |= POLLIN;
    if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) fds[0].events |= POLLOUT;
    if (::poll(fds.data(), fds.size(), -1) <= 0) continue;  // EINTR

    if ((fds[1].revents & POLLIN) != 0) kick_.forget();
    int result = 0;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      result = libnbd().nbd_aio_notify_read(nbd);
    } else if ((fds[0].revents & POLLOUT) != 0) {
      result = libnbd().nbd_aio_notify_write(nbd);
    }
    // Another thread may have brought libnbd into a state where this notification says nothing;
    // only a lost connection counts.
    if (result == -1 && is_lost(nbd)) note_loss(libnbd_error());
  }
  if (!stopping_ && on_loss_) on_loss_();
}

void NbdConnection::give_up() noexcept {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

std::string NbdConnection::loss_reason() const {
  const std::scoped_lock lock(loss_mutex_);
  return loss_reason_;
}

void NbdConnection::note_loss(std::string reason) {
  const std::scoped_lock lock(loss_mutex_);
  if (loss_reason_.empty()) loss_reason_ = std::move(reason);
}

// libnbd's sentence for the last failure in this thread, without its function's name.
std::string NbdConnection::libnbd_error() const {
  const char* text = libnbd().nbd_get_error();
  std::string message = text == nullptr ? "no reason given" : text;
  const std::size_t colon = message.find(": ");
  if (message.compare(0, 4, "nbd_") == 0 && colon != std::string::npos) {
    message.erase(0, colon + 2);
  }
  return scrub(uri_, std::move(message));
}

bool NbdConnection::lost() const noexcept {
  return handle_.nbd == nullptr || is_lost(handle_.nbd);
}

// What a request's own thread waits for. It lives on that thread's stack until the completion was
// called, or the handle was closed so that it never will be.
class NbdConnection::Completion {
 public:
  Completion() { ::sem_init(&done_, 0, 0); }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() { ::sem_destroy(&done_); }

  nbd_completion_callback callback() { return {&Completion::post, this, nullptr}; }

  bool is_done() { return ::sem_trywait(&done_) == 0; }

  void wait() {
    while (::sem_wait(&done_) != 0) {
    }
  }

  // False when it did not happen in time.
  bool wait_until(std::chrono::steady_clock::time_point deadline) {
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    const auto since_start = deadline.time_since_epoch();
    const auto whole = std::chrono::duration_cast<seconds>(since_start);
    const timespec time = {whole.count(),
                           std::chrono::duration_cast<nanoseconds>(since_start - whole).count()};
    while (::sem_clockwait(&done_, CLOCK_MONOTONIC, &time) != 0) {
      if (errno == ETIMEDOUT) return false;
    }
    return true;
  }

 private:
  // Called with libnbd's lock held, by whichever thread found the reply. Returns 0 so that libnbd
  // keeps the outcome for nbd_aio_command_completed: only there does it notice a structured reply
  // that left out some of the bytes.
  static int post(void* self, int* /*error*/) {
    ::sem_post(&static_cast<Completion*>(self)->done_);
    return 0;
  }

  sem_t done_;
};

// What "cannot … NAME" says. Not a text before it is needed: that would be memory for each request.
struct NbdConnection::Action {
  const char* verb;
  std::uint64_t length = 0;
  std::uint64_t offset = 0;

  std::string text() const {
    if (length == 0) return verb;
    return std::string(verb) + " " + std::to_string(length) + " bytes at " +
           std::to_string(offset) + " of";
  }
};

void NbdConnection::fail_unanswered(const Action& action, std::chrono::milliseconds waited) {
  const std::string reason =
      "the server did not answer within " + seconds_text(waited) + " seconds";
  note_loss(reason);
  throw Error(ErrorKind::source_unreachable,
              "cannot " + action.text() + " " + uri_.name + ": " + reason);
}

void NbdConnection::fail_lost(const Action& action) {
  const std::scoped_lock lock(loss_mutex_);
  throw ConnectionLost("cannot " + action.text() + " " + uri_.name + ": the connection was lost" +
                       (loss_reason_.empty() ? "" : " (" + loss_reason_ + ")"));
}

// Queues a request: `issue` does, given the completion. Returns libnbd's number for it.
template <typename Issue>
std::uint64_t NbdConnection::begin(const Action& action, Completion& completion, Issue issue) {
  if (handle_.nbd == nullptr) fail_lost(action);
  nbd_handle* nbd = handle_.nbd;
  const std::int64_t cookie = issue(nbd, completion.callback());
  if (cookie == -1) {
    if (is_lost(nbd)) fail_lost(action);
    const int code = libnbd().nbd_get_errno();
    throw Error(ErrorKind::io, "cannot " + action.text() + " " + uri_.name + ": " + libnbd_error(),
                code == 0 ? EIO : code);
  }
  // What the socket did not take at once is sent by the reader, which may not be waiting for that
  // yet. It also learns so that the connection was lost while sending.
  if (reader_.joinable() && libnbd().nbd_aio_get_direction(nbd) != LIBNBD_AIO_DIRECTION_READ) {
    kick_.happen();
  }
  return static_cast<std::uint64_t>(cookie);
}

// Waits for its answer, and returns 0 or what it failed with. Afterwards libnbd knows nothing of it
// any more.
int NbdConnection::outcome(const Action& action, Completion& completion, std::uint64_t cookie,
                           Clock::time_point answer_by) {
  nbd_handle* nbd = handle_.nbd;
  if (reader_.joinable()) {
    if (!completion.wait_until(answer_by)) {
      note_loss("the server did not answer in time");
      give_up();
      completion.wait();  // libnbd fails it now; until then the buffer is not the caller's again
      if (libnbd().nbd_aio_command_completed(nbd, cookie) == 1) return 0;
      throw Unanswered("cannot " + action.text() + " " + uri_.name +
                       ": the server did not answer in time");
    }
  } else {
    const auto its_own = Clock::now() + deadlines_.request;
    while (!completion.is_done()) {
      if (wait_for_socket(std::min(its_own, give_up_))) continue;
      // The request's buffer and completion are the caller's again after this throw.
      handle_.close();
      fail_unanswered(action, its_own < give_up_ ? deadlines_.request : deadlines_.all);
    }
  }

  if (libnbd().nbd_aio_command_completed(nbd, cookie) == 1) return 0;
  const int code = libnbd().nbd_get_errno();
  return code == 0 ? ENOTCONN : code;
}

void NbdConnection::require_success(const Action& action, int code) {
  if (code == 0) return;
  // No server can say that: newer versions of libnbd (1.22) do, of an answer that makes no sense,
  // where older ones end the connection.
  if (code == EPROTO) {
    note_loss("the server's answer breaks the protocol");
    give_up();
    fail_lost(action);
  }
  // A server that is being stopped is as good as gone.
  if (code == ENOTCONN || code == ESHUTDOWN) fail_lost(action);
  throw Error(
      ErrorKind::io,
      "cannot " + action.text() + " " + uri_.name + ": the server says: " + errno_text(code), code);
}

template <typename Issue>
void NbdConnection::run(const Action& action, Clock::time_point answer_by, Issue issue) {
  Completion completion;
  const std::uint64_t cookie = begin(action, completion, issue);
  require_success(action, outcome(action, completion, cookie, answer_by));
}

// A read on its way. Ends only when its answer has come, or never will: until then the server may
// write to its memory.
class NbdConnection::Read {
 public:
  Read(NbdConnection& connection, std::span<std::byte> to, std::uint64_t offset,
       Clock::duration patience)
      : connection_(connection), to_(to), offset_(offset), patience_(patience) {
    ask();
  }
  Read(const Read&) = delete;
  Read& operator=(const Read&) = delete;
  ~Read() {
    if (!asked_) return;
    try {
      finish();
    } catch (const std::exception&) {
      // Whoever asked has heard of something else.
    }
  }

  std::span<std::byte> bytes() const { return to_; }

  void wait() {
    try {
      return finish();
    } catch (const ConnectionLost&) {
      throw;
    } catch (const Error& error) {
      if (!in_one_part_ || error.errno_code() != EOVERFLOW) throw;
    }
    connection_.in_one_part_ = false;  // a server may have none of it above 64 KiB
    completion_.emplace();
    ask();
    finish();
  }

 private:
  Action action() const { return {"read", to_.size(), offset_}; }

  void ask() {
    // qemu-nbd hangs up when it meets a bad sector in the middle of an answer in several parts.
    in_one_part_ = connection_.in_one_part_;
    cookie_ = connection_.begin(
        action(), *completion_, [&](nbd_handle* nbd, nbd_completion_callback done) {
          if (!in_one_part_)
            return libnbd().nbd_aio_pread(nbd, to_.data(), to_.size(), offset_, done, 0);
          const nbd_chunk_callback ignored = {
              [](void*, const void*, std::size_t, std::uint64_t, unsigned, int*) { return 0; },
              nullptr, nullptr};
          return libnbd().nbd_aio_pread_structured(nbd, to_.data(), to_.size(), offset_, ignored,
                                                   done, LIBNBD_CMD_FLAG_DF);
        });
    asked_ = true;
  }

  void finish() {
    asked_ = false;
    connection_.require_success(
        action(), connection_.outcome(action(), *completion_, cookie_, Clock::now() + patience_));
  }

  NbdConnection& connection_;
  std::span<std::byte> to_;
  std::uint64_t offset_;
  Clock::duration patience_;
  std::optional<Completion> completion_{std::in_place};
  std::uint64_t cookie_ = 0;
  bool in_one_part_ = false;
  bool asked_ = false;  // and not finished
};

void NbdConnection::read(std::span<std::byte> to, std::uint64_t offset,
                         Clock::time_point answer_by) {
  Read(*this, to, offset, answer_by - Clock::now()).wait();
}

void NbdConnection::read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                               Clock::duration patience, const Source::Arrived& arrived) {
  // A ring of those on their way; without a thread that reads replies one at a time.
  std::array<std::optional<Read>, parts_at_once> ring;
  const std::size_t most = reader_.joinable() ? parts_at_once : 1;
  std::size_t begun = 0;
  for (std::size_t ended = 0; ended < begun || !to.empty(); ++ended) {
    for (; !to.empty() && begun - ended < most; ++begun) {
      const std::size_t length = std::min(part, to.size());
      ring.at(begun % most).emplace(*this, to.first(length), offset, patience);
      to = to.subspan(length);
      offset += length;
    }
    std::optional<Read>& first = ring.at(ended % most);
    first->wait();
    arrived(first->bytes());
    first.reset();
  }
}

void NbdConnection::write(std::span<const std::byte> from, std::uint64_t offset, bool fua,
                          Clock::time_point answer_by) {
  run({"write", from.size(), offset}, answer_by,
      [=](nbd_handle* nbd, nbd_completion_callback done) {
        return libnbd().nbd_aio_pwrite(nbd, from.data(), from.size(), offset, done,
                                       fua ? LIBNBD_CMD_FLAG_FUA : 0);
      });
}

void NbdConnection::flush(Clock::time_point answer_by) {
  run({"flush"}, answer_by, [](nbd_handle* nbd, nbd_completion_callback done) {
    return libnbd().nbd_aio_flush(nbd, done, 0);
  });
}

void NbdConnection::trim(std::uint64_t length, std::uint64_t offset, Clock::time_point answer_by) {
  run({"discard", length, offset}, answer_by, [=](nbd_handle* nbd, nbd_completion_callback done) {
    return libnbd().nbd_aio_trim(nbd, length, offset, done, 0);
  });
}

void NbdConnection::cache(std::uint64_t length, std::uint64_t offset, Clock::time_point answer_by) {
  run({"prefetch", length, offset}, answer_by, [=](nbd_handle* nbd, nbd_completion_callback done) {
    return libnbd().nbd_aio_cache(nbd, length, offset, done, 0);
  });
}

std::vector<Extent> NbdConnection::block_status(std::uint64_t length, std::uint64_t offset,
                                                std::size_t most, Clock::time_point answer_by) {
  FoundExtents found(length, most);
  Completion completion;
  const Action action = {"find holes in", length, offset};
  const std::uint64_t cookie =
      begin(action, completion, [&](nbd_handle* nbd, nbd_completion_callback done) {
        return libnbd().nbd_aio_block_status(nbd, length, offset, found.callback(), done,
                                             most == 1 ? LIBNBD_CMD_FLAG_REQ_ONE : 0);
      });
  const int code = outcome(action, completion, cookie, answer_by);
  // libnbd's word, since 1.22 at the latest, for extents that are empty or too long too: we take
  // what is left of them, as of those that it does not mind.
  if (code != EPROTO) require_success(action, code);
  return found.take();
}

}  // namespace luksdetached
