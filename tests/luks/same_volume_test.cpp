#include "luks/same_volume.h"

#include <gtest/gtest.h>

#include <functional>

#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Luks1Image;
using luksdetached::testing::Luks2Image;
using nlohmann::json;

Header changed(const std::function<void(json&)>& change) {
  Luks2Image image;
  change(image.metadata);
  return parse_header(image.bytes());
}

TEST(SameVolumeTest, AHeaderAndItsBackupWithOtherKeySlotsAreOfOneVolume) {
  Luks2Image image;
  const Header backup = parse_header(image.bytes());
  image.add_key(1, "one");
  image.sequence = 9;
  const Header header = parse_header(image.bytes());
  EXPECT_EQ(volume_difference(header, backup), "");
  EXPECT_EQ(volume_difference(backup, changed([](json& m) {
                                m["keyslots"] = json::object();
                                m["digests"]["0"]["keyslots"] = json::array();
                              })),
            "");
}

TEST(SameVolumeTest, WhatDiffersIsNamedWithBothValues) {
  struct Row {
    const char* difference;
    std::function<void(Header&)> change;
  };
  const Row table[] = {
      {"the UUID is x, not 5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11", [](Header& h) { h.uuid = "x"; }},
      {"the cipher is serpent-xts-plain64, not aes-xts-plain64",
       [](Header& h) { h.segment.encryption = "serpent-xts-plain64"; }},
      {"the first byte of the encrypted data is 4096, not 0",
       [](Header& h) { h.segment.offset = 4096; }},
      {"the size of the encrypted data is 512 bytes, not open",
       [](Header& h) { h.segment.size = 512; }},
      {"the sector size is 4096, not 512", [](Header& h) { h.segment.sector_size = 4096; }},
      {"the volume key has 64 bytes, not 32", [](Header& h) { h.volume_key_bytes = 64; }},
      {"the digest of the volume key is another one",
       [](Header& h) { h.digest.cost.hash = Hash::sha512; }},
      {"the digest of the volume key is another one",
       [](Header& h) { ++h.digest.cost.iterations; }},
      {"the digest of the volume key is another one",
       [](Header& h) { h.digest.salt[31] ^= std::byte{1}; }},
      {"the digest of the volume key is another one",
       [](Header& h) { h.digest.digest[31] ^= std::byte{1}; }},
      {"the digest of the volume key is another one",
       [](Header& h) { h.digest.digest.resize(20); }},
  };
  const Header header = parse_header(Luks2Image().bytes());
  for (const Row& row : table) {
    Header other = header;
    row.change(other);
    EXPECT_EQ(volume_difference(other, header), row.difference);
    EXPECT_NE(volume_difference(header, other), "") << row.difference;
  }
}

TEST(SameVolumeTest, VersionsOfLuksDoNotMatter) {
  Header converted = parse_header(Luks1Image().bytes);
  const Header header = converted;
  converted.version = 2;
  EXPECT_EQ(volume_difference(converted, header), "");
}

}  // namespace
}  // namespace luksdetached::luks
