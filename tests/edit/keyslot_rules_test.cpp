#include "server/edit/keyslot_rules.h"

#include <gtest/gtest.h>

#include "../base/testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;

luks::Header header_with(unsigned version, unsigned keyslots) {
  luks::Header header;
  header.version = version;
  for (unsigned id = 0; id < keyslots; ++id) {
    luks::Keyslot slot;
    slot.id = id;
    header.keyslots.push_back(slot);
  }
  return header;
}

TEST(KeyslotRulesTest, TheFirstFreeKeySlotIsTaken) {
  luks::Header header = header_with(2, 4);
  header.keyslots.erase(header.keyslots.begin() + 1);
  EXPECT_EQ(free_keyslot(header, {}), 1U);
  EXPECT_EQ(free_keyslot(header, 31), 31U);
}

TEST(KeyslotRulesTest, AKeySlotThatIsInUseIsNotTaken) {
  expect_error(ErrorKind::usage, "key slot 2 is in use",
               [] { free_keyslot(header_with(1, 3), 2); });
}

TEST(KeyslotRulesTest, AKeySlotBeyondTheFormatsIsNotTaken) {
  expect_error(ErrorKind::usage, "0 to 7", [] { free_keyslot(header_with(1, 1), 8); });
  expect_error(ErrorKind::usage, "0 to 31", [] { free_keyslot(header_with(2, 1), 32); });
}

TEST(KeyslotRulesTest, WithoutAFreeKeySlotItSaysWhatToDo) {
  expect_error(ErrorKind::usage, "remove one", [] { free_keyslot(header_with(1, 8), {}); });
  expect_error(ErrorKind::usage, "all 32", [] { free_keyslot(header_with(2, 32), {}); });
}

TEST(KeyslotRulesTest, TheLastKeySlotThatOpensIsProtected) {
  expect_error(ErrorKind::policy, "--force", [] { check_not_last(header_with(2, 1), 0); });
  EXPECT_NO_THROW(check_not_last(header_with(2, 2), 0));
}

TEST(KeyslotRulesTest, AKeySlotThatCannotOpenProtectsNothing) {
  luks::Header header = header_with(2, 3);
  header.keyslots[1].bound = false;
  header.keyslots[2].unusable = "its cipher is unknown";
  expect_error(ErrorKind::policy, "last one", [&] { check_not_last(header, 0); });
  EXPECT_NO_THROW(check_not_last(header, 1));
  EXPECT_NO_THROW(check_not_last(header, 2));
}

TEST(KeyslotRulesTest, AKeySlotThatIsNotInUseIsNotFound) {
  expect_error(ErrorKind::usage, "key slot 3 is not in use",
               [] { find_keyslot(header_with(2, 3), 3); });
}

}  // namespace
}  // namespace luksdetached::edit
