#include "base/usable_cpus.h"

#include <sched.h>

#include <string>

#include "machine_folder.h"
#include "testing.h"

namespace luksdetached {
namespace {

class UsableCpusTest : public testing::MachineFolder {
 protected:
  unsigned usable() { return usable_cpus(root_.string()); }

  const unsigned all_ = usable_cpus("/nowhere");  // no control group limits these
};

TEST_F(UsableCpusTest, WithoutControlGroupsItIsWhatTheThreadMayUse) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(all_, static_cast<unsigned>(CPU_COUNT(&set)));
}

TEST_F(UsableCpusTest, AThreadThatMayUseOneHasOne) {
  const std::string outcome = testing::in_child([]() -> std::string {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return "sched_getaffinity failed";
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return "sched_setaffinity failed";
    return std::to_string(usable_cpus());
  });
  EXPECT_EQ(outcome, "1");
}

TEST_F(UsableCpusTest, AQuotaIsRoundedUp) {
  write("proc/self/cgroup", "0::/service\n");
  write("sys/fs/cgroup/service/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable(), 1U);
  write("sys/fs/cgroup/service/cpu.max", "110000 100000\n");
  EXPECT_EQ(usable(), std::min(2U, all_));
}

TEST_F(UsableCpusTest, TheTightestQuotaCounts) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/cpu.max", "100000 100000\n");
  write("sys/fs/cgroup/outer/inner/cpu.max", "9900000 100000\n");
  EXPECT_EQ(usable(), 1U);
}

TEST_F(UsableCpusTest, AQuotaOfVersion1) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/a\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "25000\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(usable(), 1U);
}

TEST_F(UsableCpusTest, NoQuotaAndNonsenseDoNotLimit) {
  write("proc/self/cgroup", "4:cpu:/a\n0::/b\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  for (const char* text : {"max 100000\n", "much\n", "100000 0\n", "0 100000\n", ""}) {
    write("sys/fs/cgroup/b/cpu.max", text);
    EXPECT_EQ(usable(), all_) << text;
  }
}

TEST_F(UsableCpusTest, AQuotaBeyondTheCpusDoesNotCount) {
  write("proc/self/cgroup", "0::/service\n");
  write("sys/fs/cgroup/service/cpu.max", "990000000 100000\n");
  EXPECT_EQ(usable(), all_);
}

}  // namespace
}  // namespace luksdetached
