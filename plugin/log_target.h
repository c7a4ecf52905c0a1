// Where the log goes: where nbdkit's own does.
#pragma once

#include <sys/types.h>

#include "log/log.h"

namespace luksdetached {

/// Has `log` go where nbdkit's --log says.
void follow_log_option(Log& log);

/// nbdkit in the background has no standard error, but logs to syslog(3) when --log says nothing:
/// so does `log` from now on. To be called in the process that serves; `starter` is that in which
/// nbdkit began.
void follow_into_background(Log& log, pid_t starter);

}  // namespace luksdetached
