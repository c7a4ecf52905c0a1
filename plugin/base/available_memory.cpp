#include "base/available_memory.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

namespace luksdetached {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // A limit that is none is written "max".
  if (error != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return std::nullopt;
  return parse_number(text);
}

// The number behind `name` in a file of lines such as "MemAvailable:  123 kB".
std::optional<std::uint64_t> read_field(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::string word;
  std::string number;
  while (file >> word >> number) {
    if (word == name) return parse_number(number);
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

// How one version of the memory controller names its files.
struct Controller {
  std::string_view limit, usage, inactive;
};
constexpr Controller version1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                              "total_inactive_file"};
constexpr Controller version2{"memory.max", "memory.current", "inactive_file"};

// What the group in `folder` leaves. Cached file contents count as used, but make room.
std::optional<std::uint64_t> left_in_group(const std::string& folder,
                                           const Controller& controller) {
  const auto file = [&](std::string_view name) { return folder + "/" + std::string(name); };
  const auto limit = read_number(file(controller.limit));
  if (!limit) return std::nullopt;
  const std::uint64_t usage = read_number(file(controller.usage)).value_or(0);
  const std::uint64_t inactive = read_field(file("memory.stat"), controller.inactive).value_or(0);
  const std::uint64_t fixed = usage - std::min(usage, inactive);
  return *limit - std::min(*limit, fixed);
}

// The least that `group` and the groups around it leave.
std::optional<std::uint64_t> left_in_groups(const std::string& mount, std::string group,
                                            const Controller& controller) {
  std::optional<std::uint64_t> least;
  for (;;) {
    const auto left = left_in_group(mount + group, controller);
    if (left && (!least || *left < *least)) least = left;
    if (group.empty() || group == "/") return least;
    group.erase(group.rfind('/'));
  }
}

// Lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH; version 2 has number 0 and no
// controllers.
template <typename Use>
void for_each_memory_group(const std::string& root, Use use) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = ",";
    controllers.append(line, first + 1, second - first - 1).append(",");
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      use(root + "/sys/fs/cgroup", group, version2);
    } else if (controllers.find(",memory,") != std::string::npos) {
      use(root + "/sys/fs/cgroup/memory", group, version1);
    }
  }
}

}  // namespace

AvailableMemory available_memory(const std::string& root) {
  AvailableMemory available{std::numeric_limits<std::uint64_t>::max(), "this machine"};
  const auto kibibytes = read_field(root + "/proc/meminfo", "MemAvailable:");
  if (kibibytes) available.bytes = *kibibytes * 1024;
  for_each_memory_group(
      root, [&](const std::string& mount, const std::string& group, const Controller& controller) {
        const auto left = left_in_groups(mount, group, controller);
        if (left && *left < available.bytes) available = {*left, "the control group"};
      });
  return available;
}

}  // namespace luksdetached
