#include "log_target.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "command_line.h"

namespace luksdetached {

void follow_log_option(Log& log) {
  const std::optional<std::string> told = log_destination(process_arguments());
  if (told == "syslog") log.set_target(Log::Target::syslog);
  if (told == "null") log.set_target(Log::Target::nowhere);
}

void follow_into_background(Log& log, pid_t starter) {
  if (log_destination(process_arguments())) return;
  struct stat info {};
  const bool has_none = ::fstat(STDERR_FILENO, &info) != 0 ||
                        (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3));  // /dev/null
  // With --run there is another process, too, but not in the background.
  if (has_none && ::getpid() != starter) log.set_target(Log::Target::syslog);
}

}  // namespace luksdetached
