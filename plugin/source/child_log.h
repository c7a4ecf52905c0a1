// What a child process writes to its standard error.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/child_process.h"
#include "base/event.h"
#include "base/file_descriptor.h"

namespace luksdetached {

/// The lines that come from a pipe. Until `start` they are read only when they are asked for: where
/// no thread may exist the pipe, which is made large, keeps them.
class ChildLog {
 public:
  using Tell = std::function<void(const std::string&)>;

  /// Throws Error(source_unreachable).
  ChildLog();
  ChildLog(const ChildLog&) = delete;
  ChildLog& operator=(const ChildLog&) = delete;
  /// Tells what has come, and ends the thread.
  ~ChildLog();

  /// The child's standard error, until `close_writing`.
  int writing() const noexcept { return pipe_.writing.get(); }
  void close_writing() noexcept { pipe_.writing = FileDescriptor(); }

  /// Starts a thread that tells each line, of at most some hundred bytes, and not more than some in
  /// ten seconds. Throws Error(source_unreachable).
  void start(Tell tell);

  /// The last lines that were written; waits for at most `patience` when there is none yet.
  std::deque<std::string> last_lines(std::chrono::milliseconds patience);

 private:
  void pass_on() noexcept;
  bool read_some();
  void take(std::string_view text);
  void end_line();

  Pipe pipe_;
  Event stop_;
  std::mutex mutex_;  // for what follows
  std::condition_variable came_;
  std::string partial_;
  std::deque<std::string> lines_;
  bool ended_ = false;

  Tell tell_;  // set before the thread starts; what follows is that thread's alone
  std::chrono::steady_clock::time_point interval_began_{};
  unsigned told_ = 0;
  std::thread thread_;
};

}  // namespace luksdetached
