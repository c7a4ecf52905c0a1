// How far a long command has come, on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace luksdetached {

/// A line of at most `width` columns: `what`, percent, a bar where there is room for one, how much,
/// how fast since the begin, and how long it will take.
std::string progress_line(const std::string& what, std::uint64_t done, std::uint64_t all,
                          std::chrono::duration<double> since, std::size_t width);

/// The line on standard error, if that is a terminal.
class ProgressBar {
 public:
  /// `all` bytes are to be done.
  ProgressBar(std::string what, std::uint64_t all);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// Takes it away.
  ~ProgressBar();

  /// So many bytes are done.
  void show(std::uint64_t done);

 private:
  std::string what_;
  std::uint64_t all_;
  bool on_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace luksdetached
