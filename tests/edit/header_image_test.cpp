#include "server/edit/header_image.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include "../base/testing.h"
#include "server/edit/same_keyslots.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;
using testing::in_use;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::opens;
using testing::secret_of;

SecureBuffer key_of(const testing::Bytes& bytes) {
  SecureBuffer key(bytes.size());
  std::copy(bytes.begin(), bytes.end(), key.data());
  return key;
}

NewKeyslot cheap(unsigned id) {
  NewKeyslot slot;
  slot.id = id;
  slot.kdf.type = "pbkdf2";
  slot.kdf.iterations = 1000;
  return slot;
}

class Luks1 : public ::testing::Test {
 protected:
  Luks1() { image.add_key(0, "old"); }
  Luks1Image image;
};

class Luks2 : public ::testing::Test {
 protected:
  Luks2() { image.add_key(0, "old"); }
  LoadedHeader with(const NewKeyslot& slot) {
    return add_keyslot(loaded(image.bytes()), key_of(image.volume_key), secret_of("new"), slot);
  }
  Luks2Image image;
};

TEST_F(Luks1, ANewKeySlotOpensAndTheOthersAreAsTheyWere) {
  const LoadedHeader before = loaded(image.bytes);
  for (unsigned id : {1U, 6U, 7U}) {
    SCOPED_TRACE(id);
    const LoadedHeader after =
        add_keyslot(before, key_of(image.volume_key), secret_of("new"), cheap(id));
    EXPECT_TRUE(opens(after, "new", id));
    EXPECT_NO_THROW(check_only_changes_keyslot(before, after, id));
    const LoadedHeader without = remove_keyslot(after, id);
    EXPECT_FALSE(in_use(without, id));
    EXPECT_NO_THROW(check_only_changes_keyslot(before, without, id));
  }
}

TEST_F(Luks1, ThereIsOnlyPbkdf2WithTheHashOfTheHeader) {
  const auto add = [&](const NewKeyslot& slot) {
    (void)add_keyslot(loaded(image.bytes), key_of(image.volume_key), secret_of("new"), slot);
  };
  NewKeyslot slot = cheap(1);
  slot.kdf.type = "argon2id";
  expect_error(ErrorKind::usage, "pbkdf2 with sha256 and nothing else", [&] { add(slot); });
  slot = cheap(1);
  slot.kdf.hash = "sha512";
  expect_error(ErrorKind::usage, "pbkdf2 with sha256 and nothing else", [&] { add(slot); });
  slot = cheap(1);
  slot.priority = 2;
  expect_error(ErrorKind::usage, "no priorities", [&] { add(slot); });
}

TEST(Luks1OfAnotherCipher, ANewKeySlotOpensAndTheOthersAreAsTheyWere) {
  struct Case {
    const char* name;
    const char* mode;
    std::size_t key_bytes;
  };
  for (const Case& each : {Case{"serpent", "xts-plain64", 64}, Case{"twofish", "cbc-plain", 24},
                           Case{"cast5", "cbc-plain64", 16}}) {
    SCOPED_TRACE(each.name);
    Luks1Image image(each.name, each.mode, each.key_bytes);
    image.add_key(0, "old");
    const LoadedHeader before = loaded(image.bytes);
    const LoadedHeader after =
        add_keyslot(before, key_of(image.volume_key), secret_of("new"), cheap(6));
    EXPECT_TRUE(opens(after, "new", 6));
    EXPECT_NO_THROW(check_only_changes_keyslot(before, after, 6));
    const auto& cost = std::get<luks::Pbkdf2Cost>(after.header.keyslots.at(1).kdf.cost);
    EXPECT_EQ(cost.iterations, 1000U);
  }
}

TEST(Luks1OfAnotherCipher, ItsKeyDerivationIsMeasured) {
  Luks1Image image("serpent", "xts-plain64");
  image.add_key(0, "old");
  NewKeyslot slot;
  slot.id = 1;
  slot.kdf.milliseconds = 50;
  const LoadedHeader after =
      add_keyslot(loaded(image.bytes), key_of(image.volume_key), secret_of("new"), slot);
  EXPECT_TRUE(opens(after, "new", 1));
  EXPECT_GT(std::get<luks::Pbkdf2Cost>(after.header.keyslots.at(1).kdf.cost).iterations, 1000U);
}

TEST_F(Luks2, ANewKeySlotOpensAndTheOthersAreAsTheyWere) {
  const LoadedHeader before = loaded(image.bytes());
  const LoadedHeader after = with(cheap(3));
  EXPECT_TRUE(opens(after, "new", 3));
  EXPECT_NO_THROW(check_only_changes_keyslot(before, after, 3));
  const LoadedHeader without = remove_keyslot(after, 3);
  EXPECT_FALSE(in_use(without, 3));
  EXPECT_NO_THROW(check_only_changes_keyslot(before, without, 3));
}

TEST_F(Luks2, AKeySlotIsMadeAsAskedFor) {
  NewKeyslot slot = cheap(1);
  slot.priority = 2;
  slot.kdf = {.type = "argon2i", .hash = "sha512", .memory_kib = 64, .lanes = 1, .iterations = 5};
  const luks::Keyslot made = with(slot).header.keyslots.at(1);
  EXPECT_EQ(made.priority, 2U);
  const auto& kdf = std::get<luks::Argon2Kdf>(made.kdf.cost);
  EXPECT_EQ(kdf.variant, Argon2Variant::i);
  EXPECT_EQ(kdf.cost.memory_kib, 64U);
  EXPECT_EQ(kdf.cost.lanes, 1U);
  EXPECT_EQ(kdf.cost.time, 5U);
  EXPECT_EQ(made.af_hash, Hash::sha512);
  EXPECT_EQ(made.area_encryption, "aes-xts-plain64");
  EXPECT_EQ(made.area_key_bytes, 64U);
}

TEST_F(Luks2, AnotherCipherOfTheDataDoesNotMatter) {
  image.metadata["segments"]["0"]["encryption"] = "serpent-xts-plain64";
  EXPECT_TRUE(opens(with(cheap(1)), "new", 1));
}

TEST_F(Luks2, NoCoreDumpShowsWhatLibcryptsetupKnew) {
  ::prctl(PR_SET_DUMPABLE, 1);
  (void)with(cheap(1));
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
}

TEST_F(Luks2, AnotherVolumeKeyIsRefused) {
  expect_error(ErrorKind::usage, "cannot make key slot 1", [&] {
    (void)add_keyslot(loaded(image.bytes()), secret_of("thirty-two bytes of another key."),
                      secret_of("new"), cheap(1));
  });
}

TEST_F(Luks2, WhatIsSaidTwiceOrOfAnotherDerivationIsRefused) {
  NewKeyslot slot = cheap(1);
  slot.kdf.memory_kib = 64;
  expect_error(ErrorKind::usage, "about Argon2", [&] { (void)with(slot); });
  slot = cheap(1);
  slot.kdf.milliseconds = 100;
  expect_error(ErrorKind::usage, "give one of them", [&] { (void)with(slot); });
  slot = cheap(1);
  slot.kdf.hash = "md9";
  expect_error(ErrorKind::usage, "md9", [&] { (void)with(slot); });
}

}  // namespace
}  // namespace luksdetached::edit
