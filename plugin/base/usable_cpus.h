// How many threads are worth having.
#pragma once

#include <string>

namespace luksdetached {

/// How many threads of this process can run at once: the CPUs that it may use (sched_setaffinity,
/// cpusets), or as many as the quota of a control group is worth, rounded up. At least 1. `root`
/// goes before the paths of control groups.
unsigned usable_cpus(const std::string& root = "");

}  // namespace luksdetached
