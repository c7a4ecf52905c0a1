#include "server/edit/new_volume.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;
using testing::opens;
using testing::secret_of;

constexpr std::uint64_t payload_bytes = 1 << 20;

VolumeChoice cheap(unsigned version) {
  VolumeChoice choice;
  choice.version = version;
  choice.kdf.type = "pbkdf2";
  choice.kdf.iterations = 1000;
  return choice;
}

LoadedHeader make(const VolumeChoice& choice) {
  return make_header(choice, payload_bytes, secret_of("secret"), {});
}

TEST(NewVolumeTest, TheSecretOpensKeySlot0AndTheDataBeginAtTheFirstByte) {
  for (const unsigned version : {1U, 2U}) {
    SCOPED_TRACE(version);
    const LoadedHeader made = make(cheap(version));
    EXPECT_TRUE(opens(made, "secret", 0));
    EXPECT_EQ(made.header.version, version);
    EXPECT_EQ(made.header.segment.offset, 0U);
    EXPECT_EQ(made.header.segment.encryption, "aes-xts-plain64");
    EXPECT_EQ(made.header.volume_key_bytes, 64U);
    EXPECT_TRUE(made.header.warnings.empty());
  }
}

TEST(NewVolumeTest, EachHasAVolumeKeyOfItsOwn) {
  EXPECT_NE(make(cheap(2)).header.digest.digest, make(cheap(2)).header.digest.digest);
}

TEST(NewVolumeTest, EveryCipherThatIsServedCanBeMade) {
  struct Case {
    const char* cipher;
    unsigned key_bits;
  };
  for (const Case& each : {Case{"aes-cbc-essiv:sha256", 256}, Case{"serpent-xts-plain64", 512},
                           Case{"twofish-xts-plain64", 256}, Case{"camellia-cbc-plain64", 192},
                           Case{"xchacha12,aes-adiantum-plain64", 256}}) {
    for (const unsigned version : {1U, 2U}) {
      SCOPED_TRACE(each.cipher);
      VolumeChoice choice = cheap(version);
      choice.cipher = each.cipher;
      choice.key_bits = each.key_bits;
      const LoadedHeader made = make(choice);
      EXPECT_EQ(made.header.segment.encryption, each.cipher);
      EXPECT_EQ(made.header.volume_key_bytes, each.key_bits / 8);
      EXPECT_TRUE(opens(made, "secret", 0));
      EXPECT_TRUE(made.header.warnings.empty());
    }
  }
}

TEST(NewVolumeTest, IsAsAskedFor) {
  VolumeChoice choice = cheap(2);
  choice.sector_bytes = 2048;
  choice.uuid = testing::header_uuid;
  choice.label = "a volume";
  choice.kdf.hash = "sha512";
  const luks::Header made = make(choice).header;
  EXPECT_EQ(made.segment.sector_size, 2048U);
  EXPECT_EQ(made.uuid, testing::header_uuid);
  EXPECT_EQ(made.label, "a volume");
  EXPECT_EQ(std::get<luks::Pbkdf2Cost>(made.keyslots.at(0).kdf.cost).hash, Hash::sha512);
}

TEST(NewVolumeTest, WhatCannotBeIsRefused) {
  VolumeChoice choice = cheap(1);
  choice.sector_bytes = 4096;
  expect_error(ErrorKind::usage, "sectors of 512", [&] { make(choice); });
  choice = cheap(1);
  choice.label = "x";
  expect_error(ErrorKind::usage, "no labels", [&] { make(choice); });
  choice = cheap(2);
  choice.key_bits = 320;
  expect_error(ErrorKind::usage, "no keys of 320 bits", [&] { make(choice); });
  choice = cheap(2);
  choice.key_bits = 260;
  expect_error(ErrorKind::usage, "multiple of 8", [&] { make(choice); });
  choice = cheap(2);
  choice.cipher = "cipher_null-ecb";
  expect_error(ErrorKind::policy, "null", [&] { make(choice); });
  choice = cheap(2);
  choice.cipher = "rot13-xts-plain64";
  expect_error(ErrorKind::unsupported, "rot13", [&] { make(choice); });
  choice = cheap(2);
  choice.uuid = "x";
  expect_error(ErrorKind::usage, "UUID", [&] { make(choice); });
}

TEST(NewVolumeTest, ThatItsKeySlotOpensIsProved) {
  for (const unsigned version : {1U, 2U}) {
    SCOPED_TRACE(version);
    expect_error(ErrorKind::key_derivation, "asks for 1000, the limit is 999", [&] {
      (void)make_header(cheap(version), payload_bytes, secret_of("secret"),
                        {.iterations_max = 999});
    });
  }
}

TEST(UsualSectorBytesTest, AreLargeWhereTheyFit) {
  testing::TempDir folder;
  const std::string path = folder.file("payload");
  std::ofstream{path};
  EXPECT_EQ(usual_sector_bytes(2, path, 8192), 4096U);
  EXPECT_EQ(usual_sector_bytes(2, "nbd://example.com/x", 8192), 4096U);
  EXPECT_EQ(usual_sector_bytes(2, path, 8192 + 512), 512U);
  EXPECT_EQ(usual_sector_bytes(1, path, 8192), 512U);
}

}  // namespace
}  // namespace luksdetached::edit
