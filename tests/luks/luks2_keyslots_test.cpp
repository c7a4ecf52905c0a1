#include "luks/luks2_keyslots.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2KeyslotsTest, SaysWhatAKeySlotIs) {
  const Header header = parse_changed([](json& m) {
    auto& slot = m["keyslots"]["0"];
    slot["priority"] = 2;
    slot["af"]["hash"] = "sha512";
    slot["area"]["encryption"] = "aes-cbc-plain64";
    slot["area"]["key_size"] = 24;
  });
  ASSERT_EQ(header.keyslots.size(), 1U);
  const Keyslot& slot = header.keyslots[0];
  EXPECT_EQ(slot.id, 0U);
  EXPECT_TRUE(slot.bound);
  EXPECT_EQ(slot.priority, 2U);
  EXPECT_EQ(slot.key_bytes, 32U);
  EXPECT_EQ(slot.af_hash, Hash::sha512);
  EXPECT_EQ(slot.af_stripes, 4000U);
  EXPECT_EQ(slot.area_cipher.text(), "aes-cbc-plain64");
  EXPECT_EQ(slot.area_key_bytes, 24U);
  EXPECT_EQ(slot.area_offset, 32768U);
  EXPECT_EQ(slot.area_bytes, 128000U);
  EXPECT_EQ(to_hex(slot.kdf.salt), to_hex(pattern(32, 100)));
  EXPECT_EQ(std::get<Pbkdf2Cost>(slot.kdf.cost).iterations, 3U);
}

TEST(Luks2KeyslotsTest, SaysWhatAnArgon2SlotCosts) {
  for (const char* type : {"argon2i", "argon2id"}) {
    const Header header = parse_changed([&](json& m) {
      m["keyslots"]["0"]["kdf"] = {{"type", type},
                                   {"time", 4},
                                   {"memory", 1024},
                                   {"cpus", 2},
                                   {"salt", to_base64(pattern(32))}};
    });
    const auto& kdf = std::get<Argon2Kdf>(header.keyslots.at(0).kdf.cost);
    EXPECT_EQ(kdf.variant == Argon2Variant::id, std::string_view(type) == "argon2id");
    EXPECT_EQ(kdf.cost.time, 4U);
    EXPECT_EQ(kdf.cost.memory_kib, 1024U);
    EXPECT_EQ(kdf.cost.lanes, 2U);
  }
}

TEST(Luks2KeyslotsTest, KeySlotsComeInTheOrderOfTheirNumbers) {
  const Header header = parse_changed([](json& m) {
    std::size_t area = 0;
    for (const char* id : {"10", "2", "31"}) {
      m["keyslots"][id] = m["keyslots"]["0"];
      m["keyslots"][id]["area"]["offset"] = std::to_string(32768 + 131072 * ++area);
      m["digests"]["0"]["keyslots"].push_back(id);
    }
  });
  ASSERT_EQ(header.keyslots.size(), 4U);
  EXPECT_EQ(header.keyslots[1].id, 2U);
  EXPECT_EQ(header.keyslots[2].id, 10U);
  EXPECT_EQ(header.keyslots[3].id, 31U);
}

// As cryptsetup does, which never looks at the number.
TEST(Luks2KeyslotsTest, WhateverNumberOfStripesItSaysThereAre4000) {
  for (const std::uint32_t stripes : {1U, 3999U, 4096U}) {
    const Header header =
        parse_changed([=](json& m) { m["keyslots"]["0"]["af"]["stripes"] = stripes; });
    EXPECT_EQ(header.keyslots[0].area_bytes, 128000U);
    EXPECT_EQ(header.keyslots[0].af_stripes, stripes);
    ASSERT_EQ(header.warnings.size(), 1U);
    EXPECT_EQ(header.warnings[0], "key slot 0 says that it has " + std::to_string(stripes) +
                                      " stripes; 4000 are read, as cryptsetup reads them");
  }
}

// A key slot that asks for what we have not is set aside with its reason.
TEST(Luks2KeyslotsTest, AnUnusableSlotBesideAGoodOneIsNoted) {
  struct Row {
    const char* name;
    std::function<void(json&)> change;
    const char* word;
  };
  const Row table[] = {
      {"cipher of the area", [](json& s) { s["area"]["encryption"] = "blowfish-xts-plain64"; },
       "blowfish"},
      {"cipher of another shape", [](json& s) { s["area"]["encryption"] = "capi"; }, "capi"},
      {"kdf", [](json& s) { s["kdf"]["type"] = "scrypt"; }, "key derivation 'scrypt'"},
      {"hash of the kdf", [](json& s) { s["kdf"]["hash"] = "sm3"; }, "hash 'sm3'"},
      {"hash of the splitter", [](json& s) { s["af"]["hash"] = "stribog512"; }, "stribog512"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    const Header header = parse_changed([&](json& m) {
      add_slot_1(m);
      row.change(m["keyslots"]["0"]);
    });
    ASSERT_EQ(header.keyslots.size(), 2U);
    EXPECT_NE(header.keyslots[0].unusable.find(row.word), std::string::npos)
        << header.keyslots[0].unusable;
    EXPECT_EQ(header.keyslots[1].unusable, "");
  }
}

// A key slot of a later version: its place is known, and kept free of others.
TEST(Luks2KeyslotsTest, OfAnUnknownTypeThereIsWhatAllTypesHave) {
  const Header header = parse_changed([](json& m) {
    m["keyslots"]["1"] = {{"type", "future"},
                          {"key_size", 7},
                          {"area", {{"type", "x"}, {"offset", "163841"}, {"size", "5"}}}};
  });
  ASSERT_EQ(header.keyslots.size(), 2U);
  const Keyslot& slot = header.keyslots[1];
  EXPECT_EQ(slot.type, "future");
  EXPECT_EQ(slot.key_bytes, 7U);
  EXPECT_EQ(slot.area_offset, 163841U);
  EXPECT_EQ(slot.area_bytes, 5U);
  EXPECT_FALSE(slot.bound);
  EXPECT_EQ(slot.unusable, "key slot type 'future' is not supported");
}

TEST(Luks2KeyslotsTest, AnUnboundKeyMayBeLongerThanAnyCiphers) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    unbind_slot_1(m);
    m["config"]["keyslots_size"] = "134217728";
    m["keyslots"]["1"]["key_size"] = 16384;
    m["keyslots"]["1"]["area"]["size"] = "67108864";
  });
  EXPECT_EQ(header.keyslots.at(1).key_bytes, 16384U);
  EXPECT_TRUE(header.refusals.empty());
}

TEST(Luks2KeyslotsTest, RefusesWhatIsMissingOrOfAnotherType) {
  const Malformed table[] = {
      {"/keyslots", nullptr, damaged, "keyslots is missing"},
      {"/keyslots/0/type", nullptr, damaged, "keyslots.0.type is missing"},
      {"/keyslots/0/key_size", nullptr, damaged, "keyslots.0.key_size is missing"},
      {"/keyslots/0/af", nullptr, damaged, "keyslots.0.af is missing"},
      {"/keyslots/0/af/type", nullptr, damaged, "keyslots.0.af.type is missing"},
      {"/keyslots/0/af/stripes", nullptr, damaged, "keyslots.0.af.stripes is missing"},
      {"/keyslots/0/af/hash", nullptr, damaged, "keyslots.0.af.hash is missing"},
      {"/keyslots/0/kdf", nullptr, damaged, "keyslots.0.kdf is missing"},
      {"/keyslots/0/kdf/type", nullptr, damaged, "keyslots.0.kdf.type is missing"},
      {"/keyslots/0/kdf/salt", nullptr, damaged, "keyslots.0.kdf.salt is missing"},
      {"/keyslots/0/kdf/hash", nullptr, damaged, "keyslots.0.kdf.hash is missing"},
      {"/keyslots/0/kdf/iterations", nullptr, damaged, "keyslots.0.kdf.iterations is missing"},
      {"/keyslots/0/area", nullptr, damaged, "keyslots.0.area is missing"},
      {"/keyslots/0/area/type", nullptr, damaged, "keyslots.0.area.type is missing"},
      {"/keyslots/0/area/offset", nullptr, damaged, "keyslots.0.area.offset is missing"},
      {"/keyslots/0/area/size", nullptr, damaged, "keyslots.0.area.size is missing"},
      {"/keyslots/0/area/encryption", nullptr, damaged, "keyslots.0.area.encryption is missing"},
      {"/keyslots/0/area/key_size", nullptr, damaged, "keyslots.0.area.key_size is missing"},
      {"/keyslots", "null", damaged, "keyslots is not an object"},
      {"/keyslots/0", "1", damaged, "keyslots.0 is not an object"},
      {"/keyslots/0/type", "2", damaged, "keyslots.0.type is not a string"},
      {"/keyslots/0/key_size", R"("32")", damaged, "keyslots.0.key_size is not a whole number"},
      {"/keyslots/0/priority", R"("1")", damaged, "keyslots.0.priority is not a whole number"},
      {"/keyslots/0/af", R"("luks1")", damaged, "keyslots.0.af is not an object"},
      {"/keyslots/0/af/stripes", "null", damaged, "keyslots.0.af.stripes is not a whole number"},
      {"/keyslots/0/kdf", "[]", damaged, "keyslots.0.kdf is not an object"},
      {"/keyslots/0/kdf/salt", "1", damaged, "keyslots.0.kdf.salt is not a string"},
      {"/keyslots/0/area", "true", damaged, "keyslots.0.area is not an object"},
      {"/keyslots/0/area/offset", "32768", damaged, "keyslots.0.area.offset is not a string"},
      {"/keyslots/0/area/encryption", "{}", damaged, "keyslots.0.area.encryption is not a string"},
      {"/keyslots/0/key_size", "-32", damaged, "key_size is not a whole number"},
      {"/keyslots/0/key_size", "32.0", damaged, "key_size is not a whole number"},
      {"/keyslots/0/af/stripes", "4000.5", damaged, "stripes is not a whole number"},
      {"/keyslots/0/kdf/iterations", "4294967296", damaged, "iterations is not a whole number"},
      {"/keyslots/0/kdf/iterations", "18446744073709551616.0", damaged,
       "iterations is not a whole number"},
      {"/keyslots/0/key_size", "0", damaged, "keyslots.0.key_size is 0"},
      {"/keyslots/0/key_size", "513", damaged, "too small for 4000 stripes"},
      {"/keyslots/0/af/stripes", "0", damaged, "stripes is 0"},
      {"/keyslots/0/kdf/iterations", "0", damaged, "kdf.iterations is 0"},
      {"/keyslots/0/area/offset", R"("32768s")", damaged,
       "keyslots.0.area.offset is not a decimal number"},
      {"/keyslots/0/type", R"("")", damaged, "keyslots.0.type is empty"},
  };
  check(table);
}

TEST(Luks2KeyslotsTest, RefusesAreasThatAreNotWhereTheyMayBe) {
  const Malformed table[] = {
      {"/keyslots/0/area/offset", R"("0")", damaged, "does not lie in the key slot area"},
      {"/keyslots/0/area/offset", R"("28672")", damaged,
       "does not lie in the key slot area (bytes 32768 to "},
      {"/keyslots/0/area/offset", R"("1081344")", damaged, "does not lie in the key slot area"},
      {"/keyslots/0/area/offset", R"("1000000")", damaged, "does not lie in the key slot area"},
      {"/keyslots/0/area/offset", R"("18446744073709551104")", damaged,
       "does not lie in the key slot area"},
      {"/keyslots/0/area/size", R"("0")", damaged, "does not lie in the key slot area"},
      {"/keyslots/0/area/size", R"("2000000")", damaged, "does not lie in the key slot area"},
      {"/keyslots/0/area/size", R"("18446744073709551615")", damaged,
       "does not lie in the key slot area"},
      {"/keyslots/0/area/size", R"("126976")", damaged,
       "keyslots.0.area is too small for 4000 stripes"},
      {"/keyslots/0/af/stripes", "4097", damaged, "too small for 4097 stripes"},
      {"/keyslots/0/af/stripes", "4294967295", damaged, "too small for 4294967295 stripes"},
      {"/keyslots/0/area/offset", R"("32769")", damaged, "area.offset is not a multiple of 512"},
      {"/keyslots/0/key_size", "4294967295", damaged, "too small for 4000 stripes"},
      {"two at one place", nullptr, damaged, "overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "32768";
       }},
      {"two that overlap by a sector", nullptr, damaged,
       "keyslots.0.area and keyslots.1.area overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "163328";
       }},
      {"an unbound one that overlaps", nullptr, damaged, "overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "98304";
         m["digests"]["0"]["keyslots"] = json::array({"0"});
       }},
      {"an unusable one that overlaps", nullptr, damaged, "overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "98304";
         m["keyslots"]["1"]["kdf"]["type"] = "scrypt";
       }},
  };
  check(table);
}

TEST(Luks2KeyslotsTest, RefusesWhatAKeySlotMustNotSay) {
  const Malformed table[] = {
      {"/keyslots/0/priority", "3", damaged, "priority is not 0, 1 or 2"},
      {"/keyslots/0/af/type", R"("luks9")", damaged, "keyslots.0.af.type is not luks1"},
      {"/keyslots/0/area/type", R"("datashift")", damaged, "keyslots.0.area.type is not raw"},
      {"/keyslots/0/type", R"("luks3")", unsupported, "key slot 0: key slot type 'luks3'"},
      {"type unknown beside a good one", nullptr, unsupported, "key slot 1: key slot type 'future'",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["type"] = "future";
       }},
      {"/keyslots/0/kdf/salt", R"("Zm9v!")", damaged, "keyslots.0.kdf.salt is not base64"},
      {"/keyslots/0/kdf/salt", R"("Zm9v YmFy")", damaged, "keyslots.0.kdf.salt is not base64"},
      {"/keyslots/0/kdf",
       R"({"type": "argon2id", "memory": 64, "cpus": 1, "salt": "AAECAwQFBgc="})", damaged,
       "keyslots.0.kdf.time is missing"},
      {"/keyslots/0/kdf",
       R"({"type": "argon2id", "time": 0, "memory": 64, "cpus": 1, "salt": "AAECAwQFBgc="})",
       damaged, "keyslots.0.kdf.time is 0"},
      {"/keyslots/0/kdf",
       R"({"type": "argon2i", "time": 1, "memory": 64, "cpus": 0, "salt": "AAECAwQFBgc="})",
       damaged, "keyslots.0.kdf.cpus is 0"},
      {"/keyslots/0/kdf",
       R"({"type": "argon2id", "time": 1, "memory": 31, "cpus": 4, "salt": "AAECAwQFBgc="})",
       damaged, "keyslots.0.kdf.memory is less than 8 KiB for each of the cpus"},
      {"/keyslots/0/kdf",
       R"({"type": "argon2id", "time": 1, "memory": 64, "cpus": 1, "salt": "AAECAwQFBg=="})",
       damaged, "keyslots.0.kdf.salt has 7 bytes instead of 32"},
      {"/keyslots/0/area/key_size", "31", damaged, "248 bits"},
      {"/keyslots/0/area/encryption", R"("cipher_null-ecb")", ErrorKind::policy,
       "does not encrypt"},
  };
  check(table);
}

TEST(Luks2KeyslotsTest, WhatIsUnknownHidesNoDamage) {
  const Malformed table[] = {
      {"hash and iterations", nullptr, damaged, "iterations is 0",
       [](json& m) {
         m["keyslots"]["0"]["kdf"]["hash"] = "nohash";
         m["keyslots"]["0"]["kdf"]["iterations"] = 0;
       }},
      {"derivation and cipher of the area", nullptr, damaged, "area.encryption is missing",
       [](json& m) {
         m["keyslots"]["0"]["kdf"] = {{"type", "future"}};
         m["keyslots"]["0"]["area"].erase("encryption");
       }},
      {"cipher and key size of the area", nullptr, damaged, "area.key_size is missing",
       [](json& m) {
         m["keyslots"]["0"]["area"]["encryption"] = "rot13-ecb";
         m["keyslots"]["0"]["area"].erase("key_size");
       }},
      {"type and size of the area", nullptr, damaged, "area.size is missing",
       [](json& m) {
         m["keyslots"]["0"]["type"] = "future";
         m["keyslots"]["0"]["area"].erase("size");
       }},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
