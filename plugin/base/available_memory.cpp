#include "base/available_memory.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include "base/control_groups.h"

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

// What the group leaves. Cached file contents count as used, but make room.
std::optional<std::uint64_t> left_in(const ControlGroup& group) {
  const Controller& controller = group.version == 1 ? version1 : version2;
  const auto file = [&](std::string_view name) { return group.folder + "/" + std::string(name); };
  const auto limit = read_number(file(controller.limit));
  if (!limit) return std::nullopt;
  const std::uint64_t usage = read_number(file(controller.usage)).value_or(0);
  const std::uint64_t inactive = read_field(file("memory.stat"), controller.inactive).value_or(0);
  const std::uint64_t fixed = usage - std::min(usage, inactive);
  return *limit - std::min(*limit, fixed);
}

}  // namespace

AvailableMemory available_memory(const std::string& root) {
  AvailableMemory available{std::numeric_limits<std::uint64_t>::max(), "this machine"};
  const auto kibibytes = read_field(root + "/proc/meminfo", "MemAvailable:");
  if (kibibytes) available.bytes = *kibibytes * 1024;
  for (const ControlGroup& group : control_groups("memory", root)) {
    const auto left = left_in(group);
    if (left && *left < available.bytes) available = {*left, "the control group"};
  }
  return available;
}

}  // namespace luksdetached
