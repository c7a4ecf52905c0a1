#include "config/near_miss.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

const std::set<std::string> known = {"lock", "readonly", "secret", "tls", "tls-psk"};

TEST(NearMiss, IsTheWordWithAFewOtherCharacters) {
  EXPECT_EQ(near_miss("read-only", known), "readonly");
  EXPECT_EQ(near_miss("secrets", known), "secret");
  EXPECT_EQ(near_miss("sercet", known), "secret");
  EXPECT_EQ(near_miss("lok", known), "lock");
}

TEST(NearMiss, CaseAndTheKindOfDashDoNotCount) {
  EXPECT_EQ(near_miss("TLS_PSK", known), "tls-psk");
  EXPECT_EQ(near_miss("READ_ONLY_", known), "readonly");
}

TEST(NearMiss, IsTheNearestOfSeveral) {
  EXPECT_EQ(near_miss("tlsx", {"tls", "tlsxy", "ulsx1"}), "tls");
  EXPECT_EQ(near_miss("lockx", {"locker", "lockx1", "mockxx"}), "lockx1");
}

TEST(NearMiss, IsNothingWhenAllAreFar) {
  EXPECT_EQ(near_miss("", known), "");
  EXPECT_EQ(near_miss("color", known), "");
  EXPECT_EQ(near_miss("cat", known), "");
  EXPECT_EQ(near_miss("readonly-and-more", known), "");
  EXPECT_EQ(near_miss("secret", {}), "");
}

TEST(NearMiss, AVeryShortWordIsLikeNoOther) {
  EXPECT_EQ(near_miss("no", {"on", "off"}), "");
  EXPECT_EQ(near_miss("off", {"on"}), "");
}

}  // namespace
}  // namespace luksdetached
