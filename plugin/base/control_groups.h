// The control groups of this process, which may allow it less than the machine has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace luksdetached {

struct ControlGroup {
  std::string folder;  ///< of its files
  int version;         ///< 1 or 2: how these are called
};

/// The groups that may limit what `controller` ("memory", "cpu") controls: those that this process
/// is in, by /proc/self/cgroup, each followed by those around it. `root` goes before these paths.
std::vector<ControlGroup> control_groups(std::string_view controller, const std::string& root = "");

}  // namespace luksdetached
