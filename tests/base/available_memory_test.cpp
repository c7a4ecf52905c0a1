#include "base/available_memory.h"

#include <gtest/gtest.h>

#include <string>

#include "machine_folder.h"

namespace luksdetached {
namespace {

class AvailableMemoryTest : public testing::MachineFolder {
 protected:
  void SetUp() override {
    MachineFolder::SetUp();
    write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    1000 kB\nSwapFree: 5000 kB\n");
  }

  // A group of version 2.
  void group(const std::string& path, const std::string& limit, const std::string& usage,
             const std::string& inactive) {
    write("sys/fs/cgroup" + path + "/memory.max", limit + "\n");
    write("sys/fs/cgroup" + path + "/memory.current", usage + "\n");
    write("sys/fs/cgroup" + path + "/memory.stat",
          "anon 1\nfile 2\ninactive_anon 3\ninactive_file " + inactive + "\nactive_file 4\n");
  }

  void expect(std::uint64_t bytes, const std::string& limited_by) {
    const AvailableMemory available = available_memory(root_.string());
    EXPECT_EQ(available.bytes, bytes);
    EXPECT_EQ(available.limited_by, limited_by);
  }
};

TEST_F(AvailableMemoryTest, WithoutControlGroupsItIsWhatTheMachineHas) {
  expect(1024000, "this machine");
}

TEST_F(AvailableMemoryTest, AGroupLeavesItsLimitLessWhatCannotBeDropped) {
  write("proc/self/cgroup", "0::/service\n");
  group("/service", "600000", "250000", "50000");
  expect(400000, "the control group");
}

TEST_F(AvailableMemoryTest, AnInactiveCacheIsNeverMoreThanWhatIsUsed) {
  write("proc/self/cgroup", "0::/service\n");
  group("/service", "600000", "1000", "50000");
  expect(600000, "the control group");
}

TEST_F(AvailableMemoryTest, AGroupThatIsFullLeavesNothing) {
  write("proc/self/cgroup", "0::/service\n");
  group("/service", "600000", "700000", "0");
  expect(0, "the control group");
}

TEST_F(AvailableMemoryTest, TheTightestOfTheGroupsAroundCounts) {
  write("proc/self/cgroup", "0::/outer/middle/inner\n");
  group("/outer", "300000", "0", "0");
  group("/outer/middle", "200000", "0", "0");
  group("/outer/middle/inner", "max", "0", "0");
  expect(200000, "the control group");
}

TEST_F(AvailableMemoryTest, InAContainerTheGroupIsTheRootOfWhatIsMounted) {
  write("proc/self/cgroup", "0::/\n");
  group("", "500000", "100000", "0");
  expect(400000, "the control group");
}

TEST_F(AvailableMemoryTest, AGroupLargerThanTheMachineDoesNotCount) {
  write("proc/self/cgroup", "0::/service\n");
  group("/service", "99000000", "0", "0");
  expect(1024000, "this machine");
}

TEST_F(AvailableMemoryTest, Version1BesideVersion2) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n");
  write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "700000\n");
  write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "300000\n");
  write("sys/fs/cgroup/memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
  expect(500000, "the control group");
}

TEST_F(AvailableMemoryTest, NonsenseDoesNotLimit) {
  write("proc/self/cgroup", "nonsense\n0:\n\n0::/x\n");
  write("sys/fs/cgroup/x/memory.max", "much\n");
  expect(1024000, "this machine");
}

TEST(RealAvailableMemoryTest, IsSomethingBetweenAMegabyteAndAnExabyte) {
  const AvailableMemory available = available_memory();
  EXPECT_GT(available.bytes, std::uint64_t{1} << 20);
  EXPECT_LT(available.bytes, std::uint64_t{1} << 60);
}

}  // namespace
}  // namespace luksdetached
