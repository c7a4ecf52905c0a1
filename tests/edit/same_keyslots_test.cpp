#include "server/edit/same_keyslots.h"

#include <gtest/gtest.h>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;
using testing::loaded;
using testing::Luks2Image;

Luks2Image two_keys() {
  Luks2Image image;
  image.add_key(0, "one");
  image.add_key(1, "two");
  return image;
}

void expect_damaged(const LoadedHeader& after, std::string_view word) {
  expect_error(ErrorKind::header_damaged, word,
               [&] { check_only_changes_keyslot(loaded(two_keys().bytes()), after, 2); });
}

TEST(SameKeyslotsTest, OneKeySlotMayComeGoAndChange) {
  const LoadedHeader before = loaded(two_keys().bytes());
  Luks2Image image = two_keys();
  EXPECT_NO_THROW(check_only_changes_keyslot(before, before, 2));
  image.add_key(2, "three");
  const LoadedHeader with = loaded(image.bytes());
  EXPECT_NO_THROW(check_only_changes_keyslot(before, with, 2));
  EXPECT_NO_THROW(check_only_changes_keyslot(with, before, 2));
}

TEST(SameKeyslotsTest, AnotherBitOfKeyMaterialIsNoticed) {
  LoadedHeader after = loaded(two_keys().bytes());
  after.image[after.header.keyslots[1].area_offset + 1000] ^= std::byte{1};
  expect_damaged(after, "another key slot than 2");
}

TEST(SameKeyslotsTest, AnotherFactOfAKeySlotIsNoticed) {
  for (const char* edit : {"priority", "iterations", "salt"}) {
    SCOPED_TRACE(edit);
    Luks2Image image = two_keys();
    auto& slot = image.metadata["keyslots"]["1"];
    if (edit == std::string_view("priority")) slot["priority"] = 2;
    if (edit == std::string_view("iterations")) slot["kdf"]["iterations"] = 4;
    if (edit == std::string_view("salt")) {
      slot["kdf"]["salt"] = testing::to_base64(testing::pattern(32, 7));
    }
    expect_damaged(loaded(image.bytes()), "another key slot than 2");
  }
}

TEST(SameKeyslotsTest, AnotherVolumeIsNoticed) {
  Luks2Image image = two_keys();
  image.metadata["segments"]["0"]["sector_size"] = 4096;
  expect_damaged(loaded(image.bytes()), "sector size");
}

TEST(SameKeyslotsTest, ALostKeySlotIsNoticed) {
  Luks2Image image;
  image.add_key(0, "one");
  expect_damaged(loaded(image.bytes()), "another key slot than 2");
}

}  // namespace
}  // namespace luksdetached::edit
