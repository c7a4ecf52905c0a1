// A private NBD server, for sources that are not files and not NBD.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/child_process.h"
#include "base/file_descriptor.h"
#include "source/child_command.h"
#include "source/child_log.h"
#include "source/source.h"
#include "source/uri.h"

namespace luksdetached {

/// nbdkit or qemu-nbd as a child process that serves one URI to this process alone.
///
/// It lives as long as the thread that called `restart` does, at most. One thread at a time may
/// call the members.
class ChildServer {
 public:
  /// Gets a sentence for the log: from `start_logging` on, in a thread of its own.
  using Tell = std::function<void(const std::string&)>;

  /// Starts nothing. `uri` is of Scheme::child. Throws as `child_server_command` does.
  ChildServer(const Uri& uri, Access access, bool insecure, unsigned connections, Tell tell);
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;
  ~ChildServer();

  /// Ends the child that runs, as `stop` does, and starts a new one. Throws Error(usage), (policy)
  /// or (source_unreachable); whether the child can serve its source only a client sees.
  void restart();

  /// The next of the `connections` sockets to the child, in the order in which it accepts them;
  /// none when all were taken. Whoever takes one closes it before `restart` or `stop`.
  FileDescriptor take_socket() noexcept;

  /// Why the child did not serve: the last line that it wrote, or how it ended, redacted. Waits for
  /// a moment when it has written nothing. Empty when nothing is known.
  std::string last_words();

  /// Tells what the child writes, and those that follow it, from now on. Starts a thread.
  void start_logging();

  /// Closes the sockets that nobody took, asks the child to end, and kills it in the end: nothing
  /// of it runs any more then.
  void stop() noexcept;

 private:
  void refuse_what_refers_elsewhere();
  std::unique_ptr<ChildProcess> run(ChildCommand command);
  void pass_log_on();

  Uri uri_;
  ChildServerCommand command_;
  unsigned connections_;
  Tell tell_;
  FileDescriptor directory_;  // in which names without a '/' are meant
  bool logging_ = false;
  std::deque<FileDescriptor> sockets_;
  std::unique_ptr<ChildLog> log_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace luksdetached
