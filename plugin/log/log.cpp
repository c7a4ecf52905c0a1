#include "log/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "log/log_text.h"

namespace luksdetached {

namespace {

// A pipe takes so much at once without mixing it with what others write (PIPE_BUF is 4096).
constexpr std::size_t longest_text = 3900;

// Two programs may share a standard error that only one of them was given by the journal, and the
// variable is inherited; so it names the stream.
bool is_journal() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return stream == std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

std::string prefix(Log::Target target, LogLevel level) {
  if (target == Log::Target::journal) return "<" + std::to_string(static_cast<int>(level)) + ">";
  // As nbdkit begins its own lines.
  return "nbdkit: luksdetached: " + std::string(level_word(level)) + ": ";
}

}  // namespace

std::string_view level_word(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warning:
      return "warning";
    case LogLevel::notice:
      return "notice";
    case LogLevel::info:
      return "info";
  }
  return {};
}

Log::Log() : target_(is_journal() ? Target::journal : Target::standard_error) {}

void Log::write(LogLevel level, std::string_view text) const noexcept {
  try {
    const Target target = target_;
    if (target == Target::nowhere) return;
    std::string line = one_line(text, longest_text);
    if (target == Target::syslog) {
      ::syslog(LOG_DAEMON | static_cast<int>(level), "luksdetached: %s", line.c_str());
      return;
    }
    line = prefix(target, level) + line + "\n";
    // nbdkit writes its own lines in pieces, and keeps others out meanwhile by this lock.
    ::flockfile(stderr);
    while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
    }
    ::funlockfile(stderr);
  } catch (const std::exception&) {
    // Out of memory: there is nobody to tell.
  }
}

}  // namespace luksdetached
