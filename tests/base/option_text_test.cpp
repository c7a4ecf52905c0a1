#include "base/option_text.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

class OptionTextTest : public ::testing::Test {
 protected:
  void TearDown() override { option_style() = OptionStyle::assignment; }
};

TEST_F(OptionTextTest, NbdkitTakesAssignments) {
  EXPECT_EQ(option_text("keyslot"), "keyslot=");
  EXPECT_EQ(option_text("keyslot", "N"), "keyslot=N");
  EXPECT_EQ(option_text("keyslot", ""), "keyslot=");
  EXPECT_EQ(flag_text("insecure"), "insecure=true");
}

TEST_F(OptionTextTest, AProgramTakesOptionsWithTwoDashes) {
  option_style() = OptionStyle::command_line;
  EXPECT_EQ(option_text("keyslot"), "--keyslot");
  EXPECT_EQ(option_text("keyslot", "N"), "--keyslot N");
  EXPECT_EQ(option_text("keyslot", ""), "--keyslot ''");
  EXPECT_EQ(flag_text("insecure"), "--insecure");
}

}  // namespace
}  // namespace luksdetached
