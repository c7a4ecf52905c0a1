#include "metrics/process_metrics.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace luksdetached {

namespace {

using Type = Exposition::Type;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// A field of /proc/self/stat by its number in proc(5), from the third on.
std::optional<std::uint64_t> stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  // The second, the program's name, may hold anything.
  constexpr auto all = std::numeric_limits<std::streamsize>::max();
  std::string text;
  std::getline(file.ignore(all, '('), text);
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string word;
  for (int n = 3; n < number; ++n) fields >> word;
  std::uint64_t value = 0;
  if (!(fields >> value)) return std::nullopt;
  return value;
}

// Seconds since 1970.
std::optional<double> start_time() {
  const auto ticks = stat_field(22);  // since the system was started
  if (!ticks) return std::nullopt;
  const double since_boot = static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + since_boot;
}

std::optional<std::uint64_t> resident_bytes() {
  const auto pages = stat_field(24);
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  if (error) return std::nullopt;
  // But for that of the directory itself.
  return static_cast<std::uint64_t>(std::distance(begin(all), end(all)) - 1);
}

}  // namespace

void add_process_metrics(Exposition& metrics) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  metrics.begin("process_cpu_seconds_total", Type::counter,
                "User and system time of the process, its threads together.");
  metrics.sample({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  if (const auto bytes = resident_bytes()) {
    metrics.begin("process_resident_memory_bytes", Type::gauge, "Memory of the process in RAM.");
    metrics.sample({}, *bytes);
  }
  if (const auto count = open_descriptors()) {
    metrics.begin("process_open_fds", Type::gauge, "Open file descriptors.");
    metrics.sample({}, *count);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    metrics.begin("process_max_fds", Type::gauge, "How many file descriptors may be open.");
    metrics.sample({}, static_cast<std::uint64_t>(limit.rlim_cur));
  }
  if (const auto time = start_time()) {
    metrics.begin("process_start_time_seconds", Type::gauge,
                  "When the process was started, in seconds since 1970.");
    metrics.sample({}, *time);
  }
}

}  // namespace luksdetached
