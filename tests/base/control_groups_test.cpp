#include "base/control_groups.h"

#include <string>

#include "machine_folder.h"

namespace luksdetached {
namespace {

class ControlGroupsTest : public testing::MachineFolder {
 protected:
  // The folders below the root, each with its version in front.
  std::string groups(std::string_view controller) {
    std::string text;
    for (const ControlGroup& group : control_groups(controller, root_.string())) {
      text += std::to_string(group.version) + group.folder.substr(root_.string().size()) + " ";
    }
    return text;
  }
};

TEST_F(ControlGroupsTest, AGroupOfVersion2AndThoseAroundIt) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  EXPECT_EQ(groups("cpu"), "2/sys/fs/cgroup/outer/inner 2/sys/fs/cgroup/outer 2/sys/fs/cgroup ");
}

TEST_F(ControlGroupsTest, TheRootIsOneGroup) {
  write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(groups("cpu"), "2/sys/fs/cgroup/ ");
}

TEST_F(ControlGroupsTest, AGroupOfVersion1IsThatOfItsController) {
  write("proc/self/cgroup", "5:cpuacct:/other\n4:cpu,memory:/a\n");
  EXPECT_EQ(groups("cpu"), "1/sys/fs/cgroup/cpu/a 1/sys/fs/cgroup/cpu ");
  EXPECT_EQ(groups("memory"), "1/sys/fs/cgroup/memory/a 1/sys/fs/cgroup/memory ");
  EXPECT_EQ(groups("acct"), "");
}

TEST_F(ControlGroupsTest, WithoutControlGroupsThereAreNone) {
  EXPECT_EQ(groups("cpu"), "");
}

TEST_F(ControlGroupsTest, LinesThatAreNoneAreLeftOut) {
  write("proc/self/cgroup", "nonsense\n\n0::/x\n");
  EXPECT_EQ(groups("cpu"), "2/sys/fs/cgroup/x 2/sys/fs/cgroup ");
}

}  // namespace
}  // namespace luksdetached
