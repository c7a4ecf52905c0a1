// How much memory this process can still have: what the machine has left, and what its control
// groups allow. Going over the latter is not an error but the end of the process.
#pragma once

#include <cstdint>
#include <string>

namespace luksdetached {

struct AvailableMemory {
  std::uint64_t bytes;
  std::string limited_by;  ///< "this machine" or "the control group"
};

/// Looks at /proc/meminfo and at the memory controllers (version 1 and 2) of this process's control
/// groups, up to their root. What cannot be read does not limit. `root` goes before these paths.
AvailableMemory available_memory(const std::string& root = "");

}  // namespace luksdetached
