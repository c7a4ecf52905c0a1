#include "luks/volume_key.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/pbkdf2.h"
#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::expect_error;
using luksdetached::testing::Luks1Image;
using luksdetached::testing::Luks2Image;
using luksdetached::testing::pattern;
using luksdetached::testing::put_be32;
using luksdetached::testing::to_base64;
using luksdetached::testing::to_hex;
using nlohmann::json;

SecureBuffer buffer(const Bytes& bytes) {
  SecureBuffer copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data());
  return copy;
}

Bytes padded(Bytes key, std::size_t size) {
  key.resize(size);
  return key;
}

Unlocked open_with(const Bytes& image, const Bytes& key, const KdfLimits& limits = {}) {
  KdfBudget budget(limits);
  const Header header = parse_header(image);
  check_servable(header, Opener::volume_key);
  return unlock_with_volume_key(header, buffer(key), budget);
}

// As cryptsetup erase leaves it: nothing tells how long the key is.
Luks2Image erased(std::size_t key_bytes = 32) {
  Luks2Image image(key_bytes);
  image.metadata["keyslots"] = json::object();
  image.metadata["digests"]["0"]["keyslots"] = json::array();
  return image;
}

Luks1Image erased_luks1() {
  Luks1Image image;
  put_be32(image.bytes, luksdetached::testing::luks1::slot(0),
           luksdetached::testing::luks1::disabled);
  return image;
}

TEST(VolumeKeyTest, OpensWithoutKeyMaterial) {
  const Luks1Image luks1;  // 592 bytes, no key slot areas
  EXPECT_EQ(to_hex(open_with(luks1.bytes, luks1.volume_key).volume_key.span()),
            to_hex(luks1.volume_key));
  const Luks2Image luks2;
  const Unlocked unlocked = open_with(luks2.bytes(), luks2.volume_key);
  EXPECT_EQ(to_hex(unlocked.volume_key.span()), to_hex(luks2.volume_key));
  EXPECT_FALSE(unlocked.keyslot);
}

TEST(VolumeKeyTest, OpensWithoutKeySlots) {
  const Luks1Image luks1 = erased_luks1();
  EXPECT_NO_THROW(open_with(luks1.bytes, luks1.volume_key));
  for (const std::size_t size : {32U, 64U}) {
    const Luks2Image luks2 = erased(size);
    EXPECT_NO_THROW(open_with(luks2.bytes(), luks2.volume_key)) << size;
  }
}

TEST(VolumeKeyTest, OpensWhereNoKeySlotCanBeTried) {
  Luks2Image image;
  image.metadata["keyslots"]["0"]["kdf"]["type"] = "scrypt";
  EXPECT_NO_THROW(open_with(image.bytes(), image.volume_key));
}

TEST(VolumeKeyTest, OneChangedBitIsAnotherKey) {
  const Luks1Image luks1;
  const Luks2Image luks2;
  for (const std::size_t at : {0U, 15U, 31U}) {
    Bytes key = luks1.volume_key;
    key[at] ^= std::byte{1};
    expect_error(ErrorKind::wrong_secret, "is not the volume key of 5a7e1a0d",
                 [&] { open_with(luks1.bytes, key); });
    key = luks2.volume_key;
    key[at] ^= std::byte{128};
    expect_error(ErrorKind::wrong_secret, "the header's digest is of another key",
                 [&] { open_with(luks2.bytes(), key); });
  }
}

// HMAC pads its key with zeros: the digest accepts all of these.
TEST(VolumeKeyTest, AKeyWithZerosBehindItIsAnotherKey) {
  const Luks1Image luks1;
  const Luks1Image luks1_erased = erased_luks1();
  const Luks2Image luks2;
  for (const std::size_t size : {33U, 64U}) {
    const std::string word = "it has " + std::to_string(size) + " bytes, that one has 32";
    for (const Bytes& image : {luks1.bytes, luks1_erased.bytes}) {
      expect_error(ErrorKind::wrong_secret, word,
                   [&] { open_with(image, padded(luks1.volume_key, size)); });
    }
    expect_error(ErrorKind::wrong_secret, word,
                 [&] { open_with(luks2.bytes(), padded(luks2.volume_key, size)); });
  }
  const Luks2Image slotless = erased();
  expect_error(ErrorKind::wrong_secret, "it has 33 bytes, which no key of aes-xts-plain64 has",
               [&] { open_with(slotless.bytes(), padded(slotless.volume_key, 33)); });
  expect_error(ErrorKind::wrong_secret, "without the zeros at its end",
               [&] { open_with(slotless.bytes(), padded(slotless.volume_key, 64)); });
}

TEST(VolumeKeyTest, AKeyThatHappensToEndInAZeroOpens) {
  Luks2Image image = erased(64);
  image.volume_key.back() = std::byte{0};
  Bytes digest(32);
  const SecureBuffer key = buffer(image.volume_key);
  pbkdf2(Hash::sha256, key.span(), pattern(32, 6), 2, digest);
  image.metadata["digests"]["0"]["digest"] = to_base64(digest);
  EXPECT_NO_THROW(open_with(image.bytes(), image.volume_key));
}

TEST(VolumeKeyTest, AShorterKeyIsAnotherKey) {
  const Luks2Image image(64);
  expect_error(ErrorKind::wrong_secret, "it has 32 bytes, that one has 64", [&] {
    open_with(image.bytes(), Bytes(image.volume_key.begin(), image.volume_key.begin() + 32));
  });
  expect_error(ErrorKind::wrong_secret, "it has 0 bytes",
               [&] { open_with(image.bytes(), Bytes()); });
}

TEST(VolumeKeyTest, ADigestThatCostsTooMuchIsRefused) {
  Luks2Image image;
  image.metadata["digests"]["0"]["iterations"] = UINT32_MAX;
  expect_error(ErrorKind::key_derivation, "PBKDF2 iterations",
               [&] { open_with(image.bytes(), image.volume_key); });
  image.metadata["digests"]["0"]["iterations"] = 2;
  expect_error(ErrorKind::key_derivation, "asks for 2, the limit is 1",
               [&] { open_with(image.bytes(), image.volume_key, {.iterations_max = 1}); });
}

TEST(VolumeKeyTest, WhatRefusesTheVolumeRefusesItsKeyToo) {
  Luks2Image image = erased();
  image.metadata["segments"]["0"]["encryption"] = "cipher_null-ecb";
  expect_error(ErrorKind::policy, "cipher_null",
               [&] { open_with(image.bytes(), image.volume_key); });
  image.metadata["segments"]["0"]["encryption"] = "rot13-xts-plain64";
  expect_error(ErrorKind::unsupported, "rot13",
               [&] { open_with(image.bytes(), image.volume_key); });
}

}  // namespace
}  // namespace luksdetached::luks
