#include "base/child_process.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/signals.h"

namespace luksdetached {

namespace {

constexpr std::array<std::string_view, 8> own_variables = {
    "LISTEN_FDS=",   "LISTEN_PID=",    "LISTEN_FDNAMES=",        "NOTIFY_SOCKET=",
    "WATCHDOG_PID=", "WATCHDOG_USEC=", "CREDENTIALS_DIRECTORY=", "LUKSDETACHED_CONFIG_STATE="};

constexpr std::string_view listen_pid = "LISTEN_PID=";
constexpr std::size_t pid_digits = 20;

#if defined(__x86_64__)
constexpr std::uint32_t this_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t this_architecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t this_architecture = AUDIT_ARCH_RISCV64;
#else
constexpr std::uint32_t this_architecture = 0;  // no system call is of this one
#endif

// Everything that the child needs, made beforehand: between fork and exec it may not allocate, as
// another thread may have held the allocator's lock.
struct Prepared {
  explicit Prepared(const ChildCommand& command) {
    for (const std::string& argument : command.arguments) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);

    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view text = *variable;
      const bool own = std::any_of(own_variables.begin(), own_variables.end(),
                                   [&](std::string_view name) { return text.starts_with(name); });
      if (!own) environment.push_back(*variable);
    }
    if (command.listens) {
      environment.push_back(listen_fds.data());
      environment.push_back(pid.data());
    }
    environment.push_back(nullptr);

    directory = command.directory;
    keeps_death_signal = command.keeps_death_signal;
    descriptors = {command.input, command.output, command.error};
    descriptors.insert(descriptors.end(), command.inherited.begin(), command.inherited.end());
    copies.resize(descriptors.size(), -1);

    const std::string& program = command.arguments.front();
    if (program.find('/') != std::string::npos) {
      paths.push_back(program);
      return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
    const char* list = std::getenv("PATH");
    std::string_view rest = list == nullptr ? "/usr/bin:/bin" : list;
    for (;;) {
      const std::size_t colon = rest.find(':');
      if (colon != 0 && !rest.empty()) {  // an empty one would mean the current folder
        paths.push_back(std::string(rest.substr(0, colon)) + "/" + program);
      }
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  }

  void set_listen_pid(pid_t id) {
    std::to_chars(pid.data() + listen_pid.size(), pid.data() + pid.size() - 1, id);
  }

  std::vector<char*> arguments, environment;
  std::vector<std::string> paths;  // where the program may be
  std::vector<int> descriptors;    // for 0, 1, 2, 3, …; -1: none given
  std::vector<int> copies;
  int directory = -1;
  bool keeps_death_signal = false;
  std::array<char, 13> listen_fds = {"LISTEN_FDS=1"};
  std::array<char, listen_pid.size() + pid_digits + 1> pid = {"LISTEN_PID="};
};

// In the child: gives each descriptor its number. Two steps, because one's number may be another's
// place.
bool place_descriptors(Prepared& prepared) {
  const int first_free = static_cast<int>(prepared.descriptors.size());
  for (std::size_t n = 0; n < prepared.descriptors.size(); ++n) {
    int from = prepared.descriptors[n];
    if (from < 0) from = n == STDERR_FILENO ? STDERR_FILENO : ::open("/dev/null", O_RDWR);
    prepared.copies[n] = ::fcntl(from, F_DUPFD_CLOEXEC, first_free);
    if (prepared.copies[n] < 0) return false;
  }
  for (std::size_t n = 0; n < prepared.copies.size(); ++n) {
    if (::dup2(prepared.copies[n], static_cast<int>(n)) < 0) return false;
  }
  return true;
}

// In the child: from now on a change of the death signal does nothing and succeeds. Where the
// kernel has no filters of system calls the program may change it.
void keep_death_signal() {
  constexpr auto load = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  constexpr auto unless_equal_skip = [](std::uint32_t value, std::uint8_t count) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
  };
  constexpr auto answer = [](std::uint32_t value) {
    return sock_filter BPF_STMT(BPF_RET | BPF_K, value);
  };
  // The first argument of prctl is an int: the lower half, which is the first one here.
  std::array<sock_filter, 8> program = {
      load(offsetof(seccomp_data, arch)), unless_equal_skip(this_architecture, 5),
      load(offsetof(seccomp_data, nr)),   unless_equal_skip(SYS_prctl, 3),
      load(offsetof(seccomp_data, args)), unless_equal_skip(PR_SET_PDEATHSIG, 1),
      answer(SECCOMP_RET_ERRNO | 0),      answer(SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {program.size(), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

// In the child. Returns the errno of what failed.
int execute(Prepared& prepared, pid_t parent) {
  // Handlers of this process make no sense in another program; what is blocked or ignored would
  // stay so.
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);  // fails for those that cannot be handled
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // what it starts is ended with it
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  if (::getppid() != parent) return ESRCH;  // it had gone before that

  if (prepared.directory >= 0 && ::fchdir(prepared.directory) != 0) return errno;
  if (!place_descriptors(prepared)) return errno;
  // Whatever else is open is not for this program.
  ::close_range(static_cast<unsigned>(prepared.descriptors.size()), ~0U, CLOSE_RANGE_CLOEXEC);
  prepared.set_listen_pid(::getpid());
  if (prepared.keeps_death_signal) keep_death_signal();
  int reason = ENOENT;
  for (const std::string& path : prepared.paths) {
    ::execve(path.c_str(), prepared.arguments.data(), prepared.environment.data());
    if (errno != ENOENT && errno != ENOTDIR) reason = errno;
  }
  return reason;
}

ChildEnd end_of(int status) {
  if (WIFEXITED(status)) return {true, WEXITSTATUS(status)};
  return {false, WTERMSIG(status)};
}

// What the child says when it cannot become the program; nothing when it has.
int read_failure(const FileDescriptor& pipe) {
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(pipe.get(), &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  return got == sizeof code ? code : 0;
}

}  // namespace

std::string ChildEnd::text() const {
  if (exited) return "exited with status " + std::to_string(code);
  const char* name = ::sigdescr_np(code);
  return "was ended by signal " + std::to_string(code) + " (" +
         (name == nullptr ? "unknown" : name) + ")";
}

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable, "cannot create a pipe: " + errno_text(code), code);
  }
  reading = FileDescriptor(ends[0]);
  writing = FileDescriptor(ends[1]);
}

ChildProcess::ChildProcess(const ChildCommand& command) {
  const auto fail = [&](int code) {
    throw Error(ErrorKind::source_unreachable,
                "cannot run " + command.arguments.front() + ": " + errno_text(code), code);
  };
  Prepared prepared(command);
  Pipe failure;
  // Behind all numbers that the program gets, so that it is not overwritten on the way.
  FileDescriptor tell(::fcntl(failure.writing.get(), F_DUPFD_CLOEXEC,
                              static_cast<int>(prepared.descriptors.size())));
  if (!tell) fail(errno);
  parent_ = ::getpid();
  {
    const NoSignals until_child_has_its_own_handlers;
    id_ = ::fork();
    if (id_ == 0) {
      const int code = execute(prepared, parent_);
      [[maybe_unused]] const ssize_t written = ::write(tell.get(), &code, sizeof code);
      ::_exit(EXIT_FAILURE);
    }
  }
  if (id_ < 0) fail(errno);
  tell = FileDescriptor();
  failure.writing = FileDescriptor();
  int code = read_failure(failure.reading);
  if (code == 0) {
    // glibc's own declaration of pidfd_open is not fit for C++.
    alive_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));
    if (alive_) return;
    code = errno;
  }
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
  fail(code);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : parent_(other.parent_), id_(std::exchange(other.id_, -1)), alive_(std::move(other.alive_)) {}

ChildProcess::~ChildProcess() {
  if (id_ < 0) return;
  kill_all();
  reap();
}

// By the pidfd: in a process that was forked from the one that started the child, which cannot wait
// for it, the number may be another's by now.
void ChildProcess::signal(int number) noexcept {
  ::syscall(SYS_pidfd_send_signal, alive_.get(), number, nullptr, 0);
}

// Its group's number is nobody else's until it was waited for, also when it has ended.
void ChildProcess::kill_all() noexcept {
  signal(SIGKILL);
  if (::getpid() == parent_) ::kill(-id_, SIGKILL);
}

int ChildProcess::reap() noexcept {
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return status;
}

bool ChildProcess::ends_before(std::chrono::steady_clock::time_point deadline) const {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    pollfd child = {alive_.get(), POLLIN, 0};
    const int ready = ::poll(&child, 1, timeout);
    if (ready > 0) return true;
    if (ready == 0 && left <= 0) return false;
  }
}

std::optional<ChildEnd> ChildProcess::wait_until(std::chrono::steady_clock::time_point deadline) {
  if (!ends_before(deadline)) return std::nullopt;
  return end_of(reap());
}

void ChildProcess::end(std::chrono::milliseconds patience) {
  if (id_ < 0) return;
  signal(SIGTERM);
  ends_before(std::chrono::steady_clock::now() + patience);
  kill_all();
  reap();
}

}  // namespace luksdetached
