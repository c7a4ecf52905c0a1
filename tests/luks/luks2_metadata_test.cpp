#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2MetadataTest, ASlotWhoseDigestHasNoSegmentIsUnbound) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    unbind_slot_1(m);
  });
  ASSERT_EQ(header.keyslots.size(), 2U);
  EXPECT_TRUE(header.keyslots[0].bound);
  EXPECT_FALSE(header.keyslots[1].bound);
  EXPECT_EQ(header.key_material_end, 32768U + 128000U);
}

TEST(Luks2MetadataTest, AnUnboundSlotMayHoldAKeyOfAnotherLength) {
  EXPECT_TRUE(parse_changed([](json& m) {
                add_slot_1(m);
                unbind_slot_1(m);
                m["keyslots"]["1"]["key_size"] = 13;
              }).refusals.empty());
}

TEST(Luks2MetadataTest, EveryKeySlotIsInOneDigest) {
  const Malformed table[] = {
      {"in none", nullptr, damaged, "keyslots.1 is in 0 digests instead of one",
       [](json& m) {
         add_slot_1(m);
         m["digests"]["0"]["keyslots"] = json::array({"0"});
       }},
      {"in two", nullptr, damaged, "keyslots.0 is in 2 digests instead of one",
       [](json& m) {
         add_slot_1(m);
         unbind_slot_1(m);
         m["digests"]["1"]["keyslots"] = json::array({"0", "1"});
       }},
  };
  check(table);
}

TEST(Luks2MetadataTest, AHeaderThatNothingUnlocksIsIntactAndRefused) {
  const Malformed table[] = {
      {"no slot at all", nullptr, unsupported, "no key slot holds the volume's key",
       [](json& m) {
         m["keyslots"] = json::object();
         m["digests"]["0"]["keyslots"] = json::array();
       }},
      {"only an unbound slot", nullptr, unsupported, "no key slot holds the volume's key",
       [](json& m) {
         m["digests"]["1"] = m["digests"]["0"];
         m["digests"]["0"]["keyslots"] = json::array();
         m["digests"]["1"]["segments"] = json::array();
       }},
      {"only a slot that cannot be tried", nullptr, unsupported,
       "no key slot can be tried: key slot 0: key derivation 'scrypt' is not supported",
       [](json& m) { m["keyslots"]["0"]["kdf"]["type"] = "scrypt"; }},
  };
  check(table);
}

TEST(Luks2MetadataTest, WhatOnlySecretsAreRefusedForIsServedWithTheVolumeKey) {
  const Header header = parse_changed([](json& m) {
    m["keyslots"] = json::object();
    m["digests"]["0"]["keyslots"] = json::array();
  });
  EXPECT_NO_THROW(check_servable(header, Opener::volume_key));
  EXPECT_EQ(header.segment.cipher.text(), "aes-xts-plain64");
  EXPECT_FALSE(header.volume_key_bytes);
  EXPECT_EQ(parse_changed([](json&) {}).volume_key_bytes, 32U);
}

TEST(Luks2MetadataTest, AVolumeKeyThatTheSegmentsCipherHasNotIsDamage) {
  const Malformed table[] = {{"/keyslots/0/key_size", "16", damaged, "128 bits"}};
  check(table);
}

// The longer one could end in zeros, which HMAC does not tell from nothing.
TEST(Luks2MetadataTest, KeysOfOneDigestHaveOneLength) {
  const auto shorter_slot_1 = [](json& m) {
    add_slot_1(m);
    m["keyslots"]["1"]["key_size"] = 16;
  };
  expect_error(damaged, "digests.0 is of keys of different lengths: key slots 0 and 1",
               [&] { parse_changed(shorter_slot_1); });
  EXPECT_NO_THROW(parse_changed([&](json& m) {
    shorter_slot_1(m);
    unbind_slot_1(m);
  }));
}

TEST(Luks2MetadataTest, AnAreaWithoutEncryptionIsRefusedWhereItHoldsTheVolumeKey) {
  const auto plain_slot_1 = [](json& m) {
    add_slot_1(m);
    m["keyslots"]["1"]["area"]["encryption"] = "cipher_null-ecb";
  };
  const Header bound = parse_changed(plain_slot_1);
  ASSERT_EQ(bound.refusals.size(), 1U);
  EXPECT_EQ(bound.refusals[0].kind, ErrorKind::policy);
  EXPECT_TRUE(bound.refusals[0].message.starts_with("key slot 1: cipher 'cipher_null-ecb'"));
  const Header unbound = parse_changed([&](json& m) {
    plain_slot_1(m);
    unbind_slot_1(m);
  });
  EXPECT_TRUE(unbound.refusals.empty());
}

// What matters to the whole volume comes before what matters to a part of it.
TEST(Luks2MetadataTest, TheMostTellingRefusalComesFirst) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    m["config"]["requirements"]["mandatory"] = json::array({"future"});
    m["segments"]["0"]["encryption"] = "rot13-xts-plain64";
    m["digests"]["0"]["hash"] = "nohash";
    m["keyslots"]["0"]["kdf"]["type"] = "scrypt";
    m["keyslots"]["1"]["type"] = "other";
  });
  ASSERT_EQ(header.refusals.size(), 5U);
  const char* words[] = {"'future'", "rot13", "nohash", "'other'", "scrypt"};
  for (std::size_t n = 0; n < 5; ++n) {
    EXPECT_NE(header.refusals[n].message.find(words[n]), std::string::npos)
        << header.refusals[n].message;
  }
}

TEST(Luks2MetadataTest, TheKeyMaterialOfAnUnusableSlotIsNotNeeded) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    m["keyslots"]["1"]["kdf"]["type"] = "scrypt";
  });
  EXPECT_EQ(header.key_material_end, 32768U + 128000U);
}

TEST(Luks2MetadataTest, UnknownMembersAreIgnored) {
  EXPECT_TRUE(parse_changed([](json& m) {
                m["future"] = {{"x", json::array({1, 2, 3})}};
                m["keyslots"]["0"]["note"] = "x";
                m["keyslots"]["0"]["kdf"]["note"] = "x";
              }).refusals.empty());
}

TEST(Luks2MetadataTest, RefusesWhatIsMissingOrOfAnotherTypeAtTheTop) {
  const Malformed table[] = {
      {"/config", nullptr, damaged, "config is missing"},
      {"/keyslots", nullptr, damaged, "keyslots is missing"},
      {"/segments", nullptr, damaged, "segments is missing"},
      {"/digests", nullptr, damaged, "digests is missing"},
      {"/tokens", nullptr, damaged, "tokens is missing"},
      {"/config", "[]", damaged, "config is not an object"},
      {"/keyslots", "null", damaged, "keyslots is not an object"},
      {"/segments", R"("x")", damaged, "segments is not an object"},
      {"/digests", "1", damaged, "digests is not an object"},
      {"/tokens", "[]", damaged, "tokens is not an object"},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
