#include "metrics/process_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/file_descriptor.h"

namespace luksdetached {
namespace {

// Of the sample called `name`, which must be there.
double value(const std::string& name) {
  Exposition metrics;
  add_process_metrics(metrics);
  const std::size_t at = metrics.text().find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << metrics.text();
  return at == std::string::npos ? -1 : std::stod(metrics.text().substr(at + name.size() + 2));
}

TEST(ProcessMetrics, CountDescriptors) {
  const double before = value("process_open_fds");
  EXPECT_GT(before, 0);
  std::vector<FileDescriptor> more;
  for (int n = 0; n < 10; ++n) more.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(value("process_open_fds"), before + 10);
  EXPECT_GT(value("process_max_fds"), before);
}

TEST(ProcessMetrics, KnowWhatIsInMemory) {
  constexpr std::size_t size = std::size_t{64} << 20;
  const double before = value("process_resident_memory_bytes");
  EXPECT_GT(before, 1 << 20);
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_NEAR(value("process_resident_memory_bytes") - before, size, size / 8.0);
  munmap(memory, size);
}

TEST(ProcessMetrics, KnowWhenItStarted) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(value("process_start_time_seconds"), now + 1);
  EXPECT_GE(value("process_start_time_seconds"), now - 300);
}

TEST(ProcessMetrics, CountTheTimeOfTheProcessor) {
  const double before = value("process_cpu_seconds_total");
  EXPECT_GE(before, 0);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (value("process_cpu_seconds_total") < before + 0.05 &&
         std::chrono::steady_clock::now() < end) {
  }
  EXPECT_GE(value("process_cpu_seconds_total"), before + 0.05);
}

}  // namespace
}  // namespace luksdetached
