// soak_clients SOCKET EXPORTS BYTES CLIENTS: so many clients of a service at once, which come, read
// and write some exports of so many bytes, and leave in good order or not. Each knows what it must
// read, and which errors it may be told: none but of an export that is changed or removed.
//
// Commands come on standard input, one a line; each is answered by "ok" and the number of failures:
//   change N                      export N is about to be changed or removed
//   open N NAME rw|ro, absent N   that is done
//   clear                         all exports become zeros
//   run, rest                     clients come; all leave, and none is there when this is answered
//   check FOLDER                  reads all exports whole; what each holds goes to FOLDER/N.plain
// At the end of the input it prints what was done, as JSON. Failures go to standard error.
#include <libnbd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "export_model.h"

namespace {

using namespace luksdetached::testing;
using Clock = std::chrono::steady_clock;
using State = ExportModel::State;

// No request takes longer, whatever happens to its export.
constexpr std::chrono::seconds patience{60};

struct Counts {
  std::atomic<std::uint64_t> sessions, abrupt_ends, refused, shut_down, closed, reads, writes,
      zeroes, flushes, bytes_read, bytes_written;
};
Counts counts;

std::atomic<unsigned> failures = 0;

void failure(const std::string& text) {
  ++failures;
  std::fprintf(stderr, "soak_clients: %s\n", text.c_str());
}

// The next generation: new for every write of all.
std::uint32_t new_generation() {
  static std::atomic<std::uint32_t> last = 0;
  const std::uint32_t generation = ++last;
  if (generation >> 24 != 0) {
    std::fprintf(stderr, "soak_clients: no generations are left\n");
    std::abort();
  }
  return generation;
}

class Handle {
 public:
  Handle() : nbd_(nbd_create()) {
    if (nbd_ == nullptr) throw std::runtime_error(nbd_get_error());
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { nbd_close(nbd_); }
  operator nbd_handle*() const { return nbd_; }

 private:
  nbd_handle* nbd_;
};

// A request under way.
struct Request {
  enum class Kind { read, write, zero, flush };
  Kind kind;
  Run run{};
  std::uint32_t generation = 0;
  std::vector<std::byte> bytes{};
  std::int64_t cookie = -1;
};

// One client's visit to an export.
class Session {
 public:
  Session(ExportModel& model, const char* socket, unsigned part, std::mt19937_64& random)
      : model_(model), before_(model.view()), socket_(socket), part_(part), random_(random) {}

  void run(const std::atomic<bool>& resting) {
    if (!connect()) return;
    ++counts.sessions;
    const std::uint64_t batches = 1 + random_() % 100;
    for (std::uint64_t i = 0; i < batches && !resting; ++i) {
      const bool leave_abruptly = i + 1 == batches && random_() % 3 == 0;
      if (!batch(leave_abruptly)) return;
      if (leave_abruptly) {
        ++counts.abrupt_ends;
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 100));
    }
    if (random_() % 2 == 0) nbd_shutdown(nbd_, 0);
  }

 private:
  // Was the export changed since this began, so that errors are to be expected?
  bool is_excused() {
    const ExportModel::View now = model_.view();
    return before_.state != State::open || now.changes != before_.changes;
  }

  bool connect() {
    if (before_.name.empty()) return false;  // never served yet
    nbd_set_export_name(nbd_, before_.name.c_str());
    if (nbd_connect_unix(nbd_, socket_) == -1) {
      ++counts.refused;
      const std::string why = nbd_get_error();
      if (!is_excused()) failure(before_.name + ": cannot connect: " + why);
      return false;
    }
    const ExportModel::View now = model_.view();
    const bool unchanged = now.changes == before_.changes && before_.state != State::changing;
    if (!unchanged) return true;
    if (before_.state == State::absent) {
      failure(before_.name + ": a client could open it although it was removed");
      return false;
    }
    if ((nbd_is_read_only(nbd_) == 1) != before_.read_only) {
      failure(before_.name + ": read-only or not, it is the other");
    }
    return true;
  }

  // Which writes are allowed: what becomes of those on a connection from in between is not known.
  bool may_write() const { return before_.state == State::open && !before_.read_only; }

  Request next_request(std::uint64_t turn) {
    Request request{.kind = Request::Kind::read, .run = model_.random_run(part_, turn, random_)};
    const std::uint64_t what = random_() % 16;
    if (may_write() && what < 7 && model_.is_sure(request.run)) {
      request.kind = what == 0 ? Request::Kind::zero : Request::Kind::write;
      if (what != 0) request.generation = new_generation();
    } else if (may_write() && what == 15) {
      request.kind = Request::Kind::flush;
      request.run = {};
    }
    request.bytes = request.kind == Request::Kind::write
                        ? model_.contents(request.run, request.generation)
                        : std::vector<std::byte>(request.run.bytes());
    return request;
  }

  // Sends it; false when the connection cannot take it.
  bool send(Request& request) {
    const std::uint32_t fua = may_write() && random_() % 8 == 0 ? LIBNBD_CMD_FLAG_FUA : 0;
    const Run& run = request.run;
    switch (request.kind) {
      case Request::Kind::read:
        request.cookie = nbd_aio_pread(nbd_, request.bytes.data(), run.bytes(), run.offset(),
                                       NBD_NULL_COMPLETION, 0);
        break;
      case Request::Kind::write:
        request.cookie = nbd_aio_pwrite(nbd_, request.bytes.data(), run.bytes(), run.offset(),
                                        NBD_NULL_COMPLETION, fua);
        break;
      case Request::Kind::zero:
        request.cookie = nbd_aio_zero(nbd_, run.bytes(), run.offset(), NBD_NULL_COMPLETION, fua);
        break;
      case Request::Kind::flush:
        request.cookie = nbd_aio_flush(nbd_, NBD_NULL_COMPLETION, 0);
        break;
    }
    return request.cookie != -1;
  }

  // Some requests at once. False when the connection is of no use any more.
  bool batch(bool leave) {
    const ExportModel::View now = model_.view();
    const bool must_fail = before_.state == State::open && now.ended > before_.changes;
    std::deque<Request> sent;
    const std::uint64_t first_turn = random_() % 1000;
    const std::uint64_t depth = 1 + random_() % 4;
    bool good = true;
    for (std::uint64_t i = 0; i < depth && good; ++i) {
      sent.push_back(next_request(first_turn + i));
      if (!send(sent.back())) good = failed(sent.back());
    }
    if (leave) {
      for (Request& request : sent) note_unanswered(request);
      return true;
    }
    for (Request& request : sent) {
      if (request.cookie != -1 && !wait(request)) good = false;
    }
    if (good && must_fail) {
      failure(before_.name + ": requests are answered although it was removed");
    }
    return good;
  }

  bool wait(Request& request) {
    const Clock::time_point limit = Clock::now() + patience;
    int done = 0;
    while ((done = nbd_aio_command_completed(nbd_, static_cast<std::uint64_t>(request.cookie))) ==
           0) {
      if (Clock::now() > limit) {
        failure(before_.name + ": no answer");
        note_unanswered(request);
        return false;
      }
      if (nbd_poll(nbd_, 1000) == -1 && nbd_aio_is_closed(nbd_) != 1 &&
          nbd_aio_is_dead(nbd_) != 1) {
        failure(before_.name + ": " + nbd_get_error());
      }
    }
    return done == 1 ? succeeded(request) : failed(request);
  }

  bool succeeded(const Request& request) {
    switch (request.kind) {
      case Request::Kind::read: {
        ++counts.reads;
        counts.bytes_read += request.run.bytes();
        // Of a connection from amid a change it is not known whether it is from after it.
        const unsigned settled = before_.state == State::open ? before_.settled : 0;
        const std::string wrong = model_.compare(request.run, request.bytes, settled);
        if (!wrong.empty()) failure(before_.name + ": " + wrong);
        return wrong.empty();
      }
      case Request::Kind::write:
        ++counts.writes;
        counts.bytes_written += request.run.bytes();
        model_.written(request.run, request.generation);
        return true;
      case Request::Kind::zero:
        ++counts.zeroes;
        model_.written(request.run, 0);
        return true;
      case Request::Kind::flush:
        ++counts.flushes;
        return true;
    }
    return false;
  }

  // Of an export that is removed a client is told ESHUTDOWN, or its connection ends; nothing else.
  bool failed(const Request& request) {
    const std::string why = nbd_get_error();
    const bool shut_down = nbd_get_errno() == ESHUTDOWN;
    note_unanswered(request);
    const bool closed = nbd_aio_is_closed(nbd_) == 1 || nbd_aio_is_dead(nbd_) == 1;
    if (!is_excused()) {
      failure(before_.name + ": " + why);
    } else if (shut_down) {
      ++counts.shut_down;
    } else if (closed) {
      ++counts.closed;
    } else {
      failure(before_.name + ": it was changed, but its client is told: " + why);
    }
    return false;
  }

  void note_unanswered(const Request& request) {
    if (request.kind == Request::Kind::write || request.kind == Request::Kind::zero) {
      model_.maybe_written(request.run, request.generation, before_.changes);
    }
  }

  ExportModel& model_;
  const ExportModel::View before_;
  const char* socket_;
  unsigned part_;
  std::mt19937_64& random_;
  Handle nbd_;
};

// All clients, each in a thread of its own.
class Clients {
 public:
  Clients(std::deque<ExportModel>& models, const char* socket, unsigned count)
      : models_(models), socket_(socket), resting_count_(count), count_(count) {
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this, i] { live(i); });
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  ~Clients() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      resting_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run() {
    {
      const std::lock_guard lock(mutex_);
      resting_ = false;
    }
    changed_.notify_all();
  }

  void rest() {
    std::unique_lock lock(mutex_);
    resting_ = true;
    changed_.wait(lock, [this] { return resting_count_ == count_; });
  }

 private:
  // False when it is time to end.
  bool rest_if_told() {
    std::unique_lock lock(mutex_);
    ++resting_count_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return ending_ || !resting_; });
    --resting_count_;
    return !ending_;
  }

  void live(unsigned number) {
    std::mt19937_64 random(number);
    {
      const std::lock_guard lock(mutex_);
      --resting_count_;  // counted until it is
    }
    for (;;) {
      if (resting_ && !rest_if_told()) return;
      ExportModel& model = models_[random() % models_.size()];
      const unsigned part = model.take_part();
      if (part == ExportModel::parts) continue;
      try {
        Session(model, socket_, part, random).run(resting_);
      } catch (const std::exception& error) {
        failure(error.what());
      }
      model.give_back(part);
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    }
  }

  std::deque<ExportModel>& models_;
  const char* socket_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::atomic<bool> resting_ = true;
  bool ending_ = false;
  unsigned resting_count_;
  const unsigned count_;
};

// What all exports hold in the beginning.
void clear(ExportModel& model, const char* socket) {
  const ExportModel::View view = model.view();
  const Handle nbd;
  nbd_set_export_name(nbd, view.name.c_str());
  if (nbd_connect_unix(nbd, socket) == -1 || nbd_zero(nbd, model.units() * unit, 0, 0) == -1) {
    failure(view.name + ": " + nbd_get_error());
  }
  nbd_shutdown(nbd, 0);
}

// Reads an export whole, after a change that has settled all that wrote to it before.
void check(ExportModel& model, const char* socket, const std::string& path) {
  const ExportModel::View view = model.view();
  const Handle nbd;
  nbd_set_export_name(nbd, view.name.c_str());
  std::vector<std::byte> found(model.units() * unit);
  if (nbd_connect_unix(nbd, socket) == -1 ||
      nbd_pread(nbd, found.data(), found.size(), 0, 0) == -1) {
    failure(view.name + ": " + nbd_get_error());
    return;
  }
  nbd_shutdown(nbd, 0);
  const std::string wrong = model.compare({0, model.units()}, found, view.settled);
  if (!wrong.empty()) failure(view.name + ": at the end: " + wrong);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(found.data()),
             static_cast<std::streamsize>(found.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void obey(const std::string& line, std::deque<ExportModel>& models, Clients& clients,
          const char* socket) {
  std::istringstream words(line);
  std::string command, name, mode;
  std::size_t number = 0;
  words >> command;
  if (command == "clear") {
    for (ExportModel& model : models) clear(model, socket);
  } else if (command == "run") {
    clients.run();
  } else if (command == "rest") {
    clients.rest();
  } else if (command == "check") {
    std::string folder;
    words >> folder;
    for (ExportModel& model : models) {
      check(model, socket, folder + "/" + std::to_string(number++) + ".plain");
    }
  } else if (command == "change") {
    words >> number;
    models.at(number).change();
  } else if (command == "absent") {
    words >> number;
    models.at(number).changed(State::absent, models.at(number).view().name, false);
  } else if (command == "open") {
    words >> number >> name >> mode;
    models.at(number).changed(State::open, name, mode == "ro");
  } else {
    throw std::runtime_error("no such command: " + line);
  }
}

void report() {
  const auto say = [](const char* name, const std::atomic<std::uint64_t>& count, const char* end) {
    std::printf("\"%s\": %llu%s", name, static_cast<unsigned long long>(count), end);
  };
  std::printf("{");
  say("sessions", counts.sessions, ", ");
  say("abrupt ends", counts.abrupt_ends, ", ");
  say("refused connections", counts.refused, ", ");
  say("told ESHUTDOWN", counts.shut_down, ", ");
  say("closed by the service", counts.closed, ", ");
  say("reads", counts.reads, ", ");
  say("writes", counts.writes, ", ");
  say("zeroes", counts.zeroes, ", ");
  say("flushes", counts.flushes, ", ");
  say("bytes read", counts.bytes_read, ", ");
  say("bytes written", counts.bytes_written, "}\n");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: soak_clients SOCKET EXPORTS BYTES CLIENTS\n");
    return 2;
  }
  const char* const socket = arguments[1];
  std::deque<ExportModel> models;
  for (std::uint64_t i = 0; i < std::stoul(arguments[2]); ++i) {
    models.emplace_back(i, std::stoul(arguments[3]));
  }
  {
    Clients clients(models, socket, static_cast<unsigned>(std::stoul(arguments[4])));
    for (std::string line; std::getline(std::cin, line);) {
      obey(line, models, clients, socket);
      std::printf("ok %u\n", failures.load());
      std::fflush(stdout);
    }
  }
  report();
  return failures == 0 ? 0 : 1;
}
