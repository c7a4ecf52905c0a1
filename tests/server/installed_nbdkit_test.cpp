#include "server/installed_nbdkit.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

TEST(InstalledNbdkitTest, SubjectsAreToldSince1_42) {
  for (const char* version : {"nbdkit 1.42.0\n", "nbdkit 1.42.2 (Debian)\n", "nbdkit 1.100.1\n"}) {
    EXPECT_TRUE(tells_subjects(version)) << version;
  }
  for (const char* version : {"nbdkit 1.32.5\n", "nbdkit 1.41.9\n", "nbdkit 1.4.2\n", "nbdkit \n",
                              "nbdkit 1.x\n", "1.42.0\n", ""}) {
    EXPECT_FALSE(tells_subjects(version)) << version;
  }
}

}  // namespace
}  // namespace luksdetached
