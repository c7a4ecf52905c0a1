// A private NBD server, for sources that are not files and not NBD.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/child_process.h"
#include "base/file_descriptor.h"
#include "source/child_command.h"
#include "source/child_log.h"
#include "source/private_listener.h"
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

  /// A new connection to the child; none when it is gone. Whoever has one closes it, or shuts it
  /// down, before `restart` or `stop`.
  FileDescriptor connect() const;

  /// Why the child did not serve: the last line that it wrote, or how it ended, redacted. Waits for
  /// a moment when it has written nothing. Empty when nothing is known.
  std::string last_words();

  /// Tells what the child writes, and those that follow it, from now on. Starts a thread.
  void start_logging();

  /// Asks the child to end, and kills it in the end: nothing of it runs any more then.
  void stop() noexcept;

 private:
  void refuse_what_refers_elsewhere();
  std::unique_ptr<ChildProcess> run(ChildCommand command);
  void pass_log_on();

  Uri uri_;
  ChildServerCommand command_;
  Tell tell_;
  FileDescriptor directory_;  // in which names without a '/' are meant
  bool logging_ = false;
  std::optional<PrivateListener> listener_;
  std::unique_ptr<ChildLog> log_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace luksdetached
