// A program that runs as a child of this process, and not longer than it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_descriptor.h"

namespace luksdetached {

/// How a program is started. It has no terminal to talk to and no other files than those given.
struct ChildCommand {
  /// The program and its arguments. Without a '/' the program is looked for in PATH.
  std::vector<std::string> arguments{};
  int input = -1;                ///< its standard input; -1: /dev/null
  int output = -1;               ///< its standard output; -1: /dev/null
  int error = -1;                ///< its standard error; -1: this process's own
  std::vector<int> inherited{};  ///< become its descriptors 3, 4, …
  /// Tell it that descriptor 3 is a listening socket (sd_listen_fds(3)).
  bool listens = false;
  int directory = -1;  ///< becomes its working directory; -1: this process's own
  /// It is killed with the thread that started it even if it asks the kernel for something else
  /// (prctl(PR_SET_PDEATHSIG)), as nbdkit does. Programs that it runs gain no rights by setuid.
  bool keeps_death_signal = false;
};

/// How a program ended: by `exit` with a status, or by a signal.
struct ChildEnd {
  bool exited = false;
  int code = 0;  ///< the exit status, or the signal's number

  /// Did it exit with status 0?
  bool good() const noexcept { return exited && code == 0; }
  /// "exited with status 1", "was ended by signal 9 (Killed)".
  std::string text() const;
};

/// A running program. It gets SIGKILL from the kernel when the thread that started it ends, in
/// whatever way: that thread must live as long as the child shall. It has a process group of its
/// own.
///
/// It has this process's environment but for what is about this process alone: LISTEN_FDS and its
/// kin, NOTIFY_SOCKET, CREDENTIALS_DIRECTORY. All signals are at their defaults.
class ChildProcess {
 public:
  /// Returns when the program runs. Throws Error(source_unreachable) with the errno of what failed,
  /// ENOENT when there is no such program; the message is only "cannot run PROGRAM: …".
  explicit ChildProcess(const ChildCommand& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ChildProcess& operator=(ChildProcess&&) = delete;
  /// Kills it and what it started, if it still runs, and waits for its end.
  ~ChildProcess();

  pid_t id() const noexcept { return id_; }

  /// A descriptor that becomes readable when the program ends, for poll(2).
  int end_event() const noexcept { return alive_.get(); }

  /// Waits for its end until `deadline`; nothing when it still runs then.
  std::optional<ChildEnd> wait_until(std::chrono::steady_clock::time_point deadline);

  /// Asks it to end (SIGTERM), waits for at most `patience`, then kills it and what it started.
  void end(std::chrono::milliseconds patience);

 private:
  bool ends_before(std::chrono::steady_clock::time_point deadline) const;
  void signal(int number) noexcept;
  void kill_all() noexcept;
  int reap() noexcept;

  pid_t parent_ = -1;     // the process that can wait for it
  pid_t id_ = -1;         // -1 when it was waited for
  FileDescriptor alive_;  // a pidfd: becomes readable when the child ends
};

/// A pipe. Both ends are closed on exec. Throws Error(source_unreachable).
struct Pipe {
  Pipe();
  FileDescriptor reading, writing;
};

}  // namespace luksdetached
