// The log of the process that serves: lines with levels.
#pragma once

#include <atomic>
#include <string_view>

namespace luksdetached {

/// How much a line matters; the numbers are those of syslog(3).
enum class LogLevel {
  error = 3,    ///< something does not work
  warning = 4,  ///< it works, but somebody should look
  notice = 5,   ///< a change that is worth knowing
  info = 6,     ///< what happens all day
};

/// The word for a level: "error", "warning", "notice", "info".
std::string_view level_word(LogLevel level) noexcept;

/// Where lines go. Thread-safe.
class Log {
 public:
  enum class Target {
    standard_error,  ///< a terminal, a file, a pipe: the line begins with program and level
    journal,         ///< standard error that the journal reads: "<4>" is before the line
    syslog,
    nowhere,
  };

  /// Standard error, or the journal behind it, as $JOURNAL_STREAM says (systemd.exec(5)).
  Log();

  /// From now on.
  void set_target(Target target) noexcept { target_ = target; }

  /// Writes one line, of at most 4000 bytes, with one write(2) or syslog(3). What cannot be written
  /// is lost.
  void write(LogLevel level, std::string_view text) const noexcept;

 private:
  std::atomic<Target> target_;
};

}  // namespace luksdetached
