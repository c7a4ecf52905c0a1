#include "base/control_groups.h"

#include <cstddef>
#include <fstream>

namespace luksdetached {

namespace {

void add_with_those_around(const std::string& mount, std::string group, int version,
                           std::vector<ControlGroup>& groups) {
  for (;;) {
    groups.push_back({mount + group, version});
    if (group.empty() || group == "/") return;
    group.erase(group.rfind('/'));
  }
}

}  // namespace

// Lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH; version 2 has number 0 and no
// controllers.
std::vector<ControlGroup> control_groups(std::string_view controller, const std::string& root) {
  const std::string wanted = "," + std::string(controller) + ",";
  const std::string mount = root + "/sys/fs/cgroup";
  std::vector<ControlGroup> groups;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = ",";
    controllers.append(line, first + 1, second - first - 1).append(",");
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      add_with_those_around(mount, group, 2, groups);
    } else if (controllers.find(wanted) != std::string::npos) {
      add_with_those_around(mount + "/" + std::string(controller), group, 1, groups);
    }
  }
  return groups;
}

}  // namespace luksdetached
