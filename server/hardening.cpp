#include "hardening.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "base/error.h"
#include "log/log.h"

namespace luksdetached {

namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("cannot ") + what + ": " + errno_text(errno));
}

// As far as the hard limit lets it, and not beyond `enough`.
rlimit raise_limit(decltype(RLIMIT_NOFILE) resource, rlim_t enough) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur >= enough) return limit;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  setrlimit(resource, &limit);
  return limit;
}

// The least that an open export locks: a page of round keys.
void check_memory_lock(const ServiceConfig& config, rlim_t limit) {
  const rlim_t needed = config.exports.size() * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
  if (needed <= limit) return;
  Log().write(LogLevel::warning,
              std::to_string(config.exports.size()) + " exports need at least " +
                  std::to_string(needed / 1024) + " KiB of locked memory, and the limit is " +
                  std::to_string(limit / 1024) +
                  " KiB: some will be refused (raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK=)");
}

}  // namespace

void keep_memory_private() noexcept {
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

void harden(const ServiceConfig& config, const std::optional<ServiceUser>& user) {
  constexpr rlim_t enough_files = 65536;  // each client needs one
  const bool root_serves = geteuid() == 0 && !user;
  if (root_serves) {
    Log().write(LogLevel::warning,
                "the service runs as root; user in [service] says who else it can be");
  }
  // nbdkit sets them itself when it changes the user. Without the capability they stay.
  if (root_serves) setgroups(0, nullptr);
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "give up new privileges");
  const rlimit no_core{0, 0};
  must(setrlimit(RLIMIT_CORE, &no_core) == 0, "forbid core dumps");
  raise_limit(RLIMIT_NOFILE, enough_files);
  const rlimit memory_lock = raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
  if (!root_serves) check_memory_lock(config, memory_lock.rlim_cur);
}

}  // namespace luksdetached
