#include "base/usable_cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <thread>

#include "base/control_groups.h"

namespace luksdetached {

namespace {

unsigned cpus_of_thread() {
  cpu_set_t set;
  // It fails where there are more CPUs than the set has room for.
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::thread::hardware_concurrency();
  return static_cast<unsigned>(CPU_COUNT(&set));
}

// The microseconds that a group may compute, and in which time. No quota is "max" in version 2
// and -1 in version 1.
std::optional<double> quota_of(const ControlGroup& group) {
  double quota = 0;
  double period = 0;
  if (group.version == 1) {
    std::ifstream(group.folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(group.folder + "/cpu.cfs_period_us") >> period;
  } else {
    std::ifstream(group.folder + "/cpu.max") >> quota >> period;
  }
  if (!(quota > 0 && period > 0)) return std::nullopt;
  return quota / period;
}

}  // namespace

unsigned usable_cpus(const std::string& root) {
  double cpus = std::max(1U, cpus_of_thread());
  for (const ControlGroup& group : control_groups("cpu", root)) {
    cpus = std::min(cpus, std::ceil(quota_of(group).value_or(cpus)));
  }
  return static_cast<unsigned>(cpus);
}

}  // namespace luksdetached
