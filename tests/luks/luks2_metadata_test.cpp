#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "header_builder.h"
#include "luks/header.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::expect_error;
using luksdetached::testing::Luks2Image;
using luksdetached::testing::pattern;
using luksdetached::testing::to_base64;
using luksdetached::testing::to_hex;
using nlohmann::json;

Header parse(const std::function<void(json&)>& change) {
  Luks2Image image;
  change(image.metadata);
  return parse_header(image.bytes());
}

// Metadata with a second, unchanged key slot beside slot 0; both are bound.
void add_slot_1(json& m) {
  m["keyslots"]["1"] = m["keyslots"]["0"];
  m["keyslots"]["1"]["area"]["offset"] = "163840";
  m["digests"]["0"]["keyslots"] = json::array({"0", "1"});
}

TEST(Luks2MetadataTest, SaysWhatTheSegmentIs) {
  const Segment segment = parse([](json& m) {
                            auto& s = m["segments"]["0"];
                            s["offset"] = "16777216";
                            s["size"] = "40960";
                            s["sector_size"] = 4096;
                            s["encryption"] = "aes-cbc-essiv:sha256";
                          }).segment;
  EXPECT_EQ(segment.offset, 16777216U);
  EXPECT_EQ(segment.size, 40960U);
  EXPECT_EQ(segment.sector_size, 4096U);
  EXPECT_EQ(segment.cipher.text(), "aes-cbc-essiv:sha256");
}

TEST(Luks2MetadataTest, ADynamicSegmentHasNoSize) {
  EXPECT_EQ(parse([](json&) {}).segment.size, std::nullopt);
}

TEST(Luks2MetadataTest, SaysWhatTheDigestIs) {
  const Digest digest = parse([](json&) {}).digest;
  EXPECT_EQ(digest.cost.hash, Hash::sha256);
  EXPECT_EQ(digest.cost.iterations, 2U);
  EXPECT_EQ(to_hex(digest.salt), to_hex(pattern(32, 6)));
  EXPECT_EQ(digest.digest.size(), 32U);
}

TEST(Luks2MetadataTest, SaysWhatAKeySlotIs) {
  const Header header = parse([](json& m) {
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

TEST(Luks2MetadataTest, SaysWhatAnArgon2SlotCosts) {
  for (const char* type : {"argon2i", "argon2id"}) {
    const Header header = parse([&](json& m) {
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

TEST(Luks2MetadataTest, KeySlotsComeInTheOrderOfTheirNumbers) {
  const Header header = parse([](json& m) {
    std::size_t area = 0;
    for (const char* id : {"10", "2", "31"}) {
      m["keyslots"][id] = m["keyslots"]["0"];
      m["keyslots"][id]["area"]["offset"] = std::to_string(32768 + 131072 * ++area);
    }
  });
  ASSERT_EQ(header.keyslots.size(), 4U);
  EXPECT_EQ(header.keyslots[1].id, 2U);
  EXPECT_EQ(header.keyslots[2].id, 10U);
  EXPECT_EQ(header.keyslots[3].id, 31U);
}

TEST(Luks2MetadataTest, ASlotThatTheDigestDoesNotListIsUnbound) {
  const Header header = parse([](json& m) {
    add_slot_1(m);
    m["digests"]["0"]["keyslots"] = json::array({"1"});
  });
  ASSERT_EQ(header.keyslots.size(), 2U);
  EXPECT_FALSE(header.keyslots[0].bound);
  EXPECT_TRUE(header.keyslots[1].bound);
}

TEST(Luks2MetadataTest, AnUnboundSlotMayHoldAKeyOfAnotherLength) {
  EXPECT_NO_THROW(parse([](json& m) {
    add_slot_1(m);
    m["keyslots"]["1"]["key_size"] = 13;
    m["digests"]["0"]["keyslots"] = json::array({"0"});
  }));
}

TEST(Luks2MetadataTest, ADigestOfNoSegmentIsNoHindrance) {
  EXPECT_NO_THROW(parse([](json& m) {
    add_slot_1(m);
    m["digests"]["1"] = m["digests"]["0"];
    m["digests"]["1"]["segments"] = json::array();
    m["digests"]["1"]["keyslots"] = json::array({"1"});
    m["digests"]["0"]["keyslots"] = json::array({"0"});
  }));
}

TEST(Luks2MetadataTest, TheSizesOfTheHeaderAreThoseOfItsAreas) {
  const Header header = parse([](json& m) { m["config"]["keyslots_size"] = "1048576"; });
  EXPECT_EQ(header.end, 32768U + 1048576U);
  EXPECT_EQ(header.key_material_end, 32768U + 128000U);
}

TEST(Luks2MetadataTest, UnknownMembersAndTokensAreIgnored) {
  EXPECT_NO_THROW(parse([](json& m) {
    m["future"] = {{"x", json::array({1, 2, 3})}};
    m["config"]["flags"] = json::array({"allow-discards", "same-cpu-crypt"});
    m["keyslots"]["0"]["note"] = "x";
    m["tokens"]["0"] = {{"type", "systemd-tpm2"}, {"keyslots", json::array({"0"})}, {"blob", "x"}};
  }));
}

TEST(Luks2MetadataTest, AnEmptyListOfRequirementsIsNone) {
  EXPECT_NO_THROW(parse([](json& m) { m["config"]["requirements"]["mandatory"] = json::array(); }));
  EXPECT_NO_THROW(parse([](json& m) { m["config"]["requirements"] = json::object(); }));
}

TEST(Luks2MetadataTest, AnyNumberOfStripesThatFitsTheAreaIsTaken) {
  EXPECT_EQ(parse([](json& m) { m["keyslots"]["0"]["af"]["stripes"] = 1; }).keyslots[0].area_bytes,
            512U);
  EXPECT_EQ(
      parse([](json& m) { m["keyslots"]["0"]["af"]["stripes"] = 4096; }).keyslots[0].area_bytes,
      131072U);
}

TEST(Luks2MetadataTest, ADigestMayBeCutTo20BytesAsLuks1Has) {
  EXPECT_EQ(parse([](json& m) {
              m["digests"]["0"]["digest"] = to_base64(pattern(20));
            }).digest.digest.size(),
            20U);
}

// A key slot that asks for what we have not is set aside with its reason.
TEST(Luks2MetadataTest, AnUnusableSlotBesideAGoodOneIsNoted) {
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
    const Header header = parse([&](json& m) {
      add_slot_1(m);
      row.change(m["keyslots"]["0"]);
    });
    ASSERT_EQ(header.keyslots.size(), 2U);
    EXPECT_NE(header.keyslots[0].unusable.find(row.word), std::string::npos)
        << header.keyslots[0].unusable;
    EXPECT_EQ(header.keyslots[1].unusable, "");
  }
}

TEST(Luks2MetadataTest, TheKeyMaterialOfAnUnusableSlotIsNotNeeded) {
  const Header header = parse([](json& m) {
    add_slot_1(m);
    m["keyslots"]["1"]["kdf"]["type"] = "scrypt";
  });
  EXPECT_EQ(header.key_material_end, 32768U + 128000U);
}

// ---- what is refused ----

struct Malformed {
  const char* what;   // the member to set, as a JSON pointer (RFC 6901), or what `change` does
  const char* value;  // JSON; nullptr: the member is removed
  ErrorKind kind;
  const char* word;
  void (*change)(json&) = nullptr;
};

void check(std::span<const Malformed> table) {
  for (const Malformed& row : table) {
    SCOPED_TRACE(std::string(row.what) + " " + (row.value == nullptr ? "" : row.value));
    expect_error(row.kind, row.word, [&] {
      parse([&](json& m) {
        if (row.change != nullptr) {
          row.change(m);
        } else if (row.value != nullptr) {
          m[json::json_pointer(row.what)] = json::parse(row.value);
        } else {
          const json::json_pointer member(row.what);
          m.at(member.parent_pointer()).erase(member.back());
        }
      });
    });
  }
}

constexpr auto damaged = ErrorKind::header_damaged;
constexpr auto unsupported = ErrorKind::unsupported;

TEST(Luks2MetadataTest, RefusesJsonTextThatIsNotExactlyOneObject) {
  struct Row {
    const char* name;
    std::function<std::string(const std::string&)> change;
    const char* word;
  };
  const auto nested = [](std::size_t depth) {
    return [=](const std::string& text) {
      return text.substr(0, text.size() - 1) + ",\"x\":" + std::string(depth, '[') +
             std::string(depth, ']') + "}";
    };
  };
  const auto put_first = [](const char* member) {
    return [=](const std::string& text) { return "{" + std::string(member) + text.substr(1); };
  };
  const auto replaced = [](const char* from, const char* to) {
    return [=](const std::string& text) {
      std::string result = text;
      const std::size_t at = result.find(from);
      if (at != std::string::npos) result.replace(at, std::string_view(from).size(), to);
      return result;
    };
  };
  const Row table[] = {
      {"an array", [](const std::string& t) { return "[" + t + "]"; }, "exactly one object"},
      {"a number", [](const std::string&) { return "1"; }, "exactly one object"},
      {"a blank before it", [](const std::string& t) { return " " + t; }, "exactly one object"},
      {"a byte order mark", [](const std::string& t) { return "\xef\xbb\xbf" + t; },
       "exactly one object"},
      {"a newline behind it", [](const std::string& t) { return t + "\n"; }, "exactly one object"},
      {"a blank behind it", [](const std::string& t) { return t + " "; }, "exactly one object"},
      {"text behind it", [](const std::string& t) { return t + "x"; }, "exactly one object"},
      {"two objects", [](const std::string& t) { return t + t; }, "not valid at byte"},
      {"a second object behind a NUL", [](const std::string& t) { return t + '\0' + "{}"; },
       "bytes after the end of its JSON"},
      {"a byte behind a NUL", [](const std::string& t) { return t + '\0' + "x"; },
       "bytes after the end of its JSON"},
      {"the end is missing", [](const std::string& t) { return t.substr(0, t.size() - 2) + "}"; },
       "not valid at byte"},
      {"a comment", put_first("/* x */"), "not valid at byte"},
      {"a comma too many", put_first(","), "not valid at byte"},
      {"a name without quotes", put_first("x:1,"), "not valid at byte"},
      {"a broken escape", put_first("\"\\x\":1,"), "not valid at byte"},
      {"half a surrogate pair", put_first("\"\\ud800\":1,"), "not valid at byte"},
      {"bytes that are not UTF-8", put_first("\"\xff\":1,"), "not valid at byte"},
      {"a number that is too large for any type", put_first("\"x\":1e999,"), "not valid"},
      {"a name twice at the top", put_first("\"config\":{},"), "'config' twice"},
      {"a name twice, the first as an escape", put_first("\"\\u0063onfig\":{},"), "'config' twice"},
      {"a name twice in segments", replaced("\"segments\":{", "\"segments\":{\"0\":{},"),
       "'0' twice"},
      {"a name twice in a key slot", replaced("\"key_size\":32", "\"key_size\":32,\"key_size\":32"),
       "'key_size' twice"},
      {"a name twice in an array's object",
       put_first("\"x\":[{\"a\":1},{\"a\":1,\"b\":{\"c\":1,\"c\":2}}],"), "'c' twice"},
      {"nested 17 deep", nested(17), "nested too deeply"},
      {"nested 5000 deep", nested(5000), "nested too deeply"},
      {"5000 arrays that do not end",
       [](const std::string& t) {
         return t.substr(0, t.size() - 1) + ",\"x\":" + std::string(5000, '[') + "}";
       },
       "nested too deeply"},
  };
  const Luks2Image image;
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    const std::string text = row.change(image.json_text());
    ASSERT_NE(text, image.json_text()) << "the row changes nothing";
    expect_error(damaged, row.word, [&] { parse_header(image.bytes(text)); });
  }
}

TEST(Luks2MetadataTest, JsonMayBeNestedAsDeepAsTheLimit) {
  const Luks2Image image;
  const std::string text = image.json_text();
  const std::string deep = text.substr(0, text.size() - 1) + ",\"x\":" + std::string(15, '[') +
                           std::string(15, ']') + "}";
  EXPECT_NO_THROW(parse_header(image.bytes(deep)));
}

TEST(Luks2MetadataTest, RefusesMissingMembers) {
  const Malformed table[] = {
      {"/config", nullptr, damaged, "config is missing"},
      {"/keyslots", nullptr, damaged, "keyslots is missing"},
      {"/segments", nullptr, damaged, "segments is missing"},
      {"/digests", nullptr, damaged, "digests is missing"},
      {"/tokens", nullptr, damaged, "tokens is missing"},
      {"/config/json_size", nullptr, damaged, "config.json_size is missing"},
      {"/config/keyslots_size", nullptr, damaged, "config.keyslots_size is missing"},
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
      {"/segments/0/type", nullptr, damaged, "segments.0.type is missing"},
      {"/segments/0/offset", nullptr, damaged, "segments.0.offset is missing"},
      {"/segments/0/size", nullptr, damaged, "segments.0.size is missing"},
      {"/segments/0/iv_tweak", nullptr, damaged, "segments.0.iv_tweak is missing"},
      {"/segments/0/encryption", nullptr, damaged, "segments.0.encryption is missing"},
      {"/segments/0/sector_size", nullptr, damaged, "segments.0.sector_size is missing"},
      {"/digests/0/type", nullptr, damaged, "digests.0.type is missing"},
      {"/digests/0/keyslots", nullptr, damaged, "digests.0.keyslots is missing"},
      {"/digests/0/segments", nullptr, damaged, "digests.0.segments is missing"},
      {"/digests/0/hash", nullptr, damaged, "digests.0.hash is missing"},
      {"/digests/0/iterations", nullptr, damaged, "digests.0.iterations is missing"},
      {"/digests/0/salt", nullptr, damaged, "digests.0.salt is missing"},
      {"/digests/0/digest", nullptr, damaged, "digests.0.digest is missing"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWrongTypes) {
  const Malformed table[] = {
      {"/config", "[]", damaged, "config is not an object"},
      {"/keyslots", "null", damaged, "keyslots is not an object"},
      {"/segments", R"("x")", damaged, "segments is not an object"},
      {"/digests", "1", damaged, "digests is not an object"},
      {"/tokens", "[]", damaged, "tokens is not an object"},
      {"/keyslots/0", "1", damaged, "keyslots.0 is not an object"},
      {"/segments/0", R"("x")", damaged, "segments.0 is not an object"},
      {"/digests/0", "null", damaged, "digests.0 is not an object"},
      {"/tokens/0", "true", damaged, "tokens.0 is not an object"},
      {"/config/json_size", "12288", damaged, "config.json_size is not a string"},
      {"/config/requirements", R"(["x"])", damaged, "config.requirements is not an object"},
      {"/config/requirements/mandatory", R"("x")", damaged,
       "config.requirements.mandatory is not an array"},
      {"/config/requirements/mandatory", "[1]", damaged,
       "config.requirements.mandatory[0] is not a string"},
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
      {"/segments/0/size", "512", damaged, "segments.0.size is not a string"},
      {"/segments/0/sector_size", R"("512")", damaged,
       "segments.0.sector_size is not a whole number"},
      {"/segments/0/iv_tweak", "0", damaged, "segments.0.iv_tweak is not a string"},
      {"/segments/0/flags", R"("backup")", damaged, "segments.0.flags is not an array"},
      {"/segments/0/flags", "[1]", damaged, "segments.0.flags[0] is not a string"},
      {"/digests/0/keyslots", "{}", damaged, "digests.0.keyslots is not an array"},
      {"/digests/0/keyslots", "[0]", damaged, "digests.0.keyslots[0] is not a string"},
      {"/digests/0/segments", R"("0")", damaged, "digests.0.segments is not an array"},
      {"/digests/0/hash", "256", damaged, "digests.0.hash is not a string"},
      {"/digests/0/digest", "[]", damaged, "digests.0.digest is not a string"},
      {"/tokens/0", R"({"type": "x", "keyslots": 0})", damaged,
       "tokens.0.keyslots is not an array"},
      {"/tokens/0", R"({"keyslots": []})", damaged, "tokens.0.type is missing"},
      {"/tokens/0", R"({"type": "x"})", damaged, "tokens.0.keyslots is missing"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesNumbersThatAreNone) {
  const Malformed table[] = {
      {"/keyslots/0/key_size", "-32", damaged, "key_size is not a whole number"},
      {"/keyslots/0/key_size", "32.0", damaged, "key_size is not a whole number"},
      {"/keyslots/0/af/stripes", "4000.5", damaged, "stripes is not a whole number"},
      {"/keyslots/0/kdf/iterations", "4294967296", damaged, "iterations is not a whole number"},
      {"/keyslots/0/kdf/iterations", "18446744073709551616.0", damaged,
       "iterations is not a whole number"},
      {"/digests/0/iterations", "18446744073709551615", damaged,
       "digests.0.iterations is not a whole number"},
      {"/segments/0/sector_size", "4294967808", damaged, "sector_size is not a whole number"},
      {"/keyslots/0/key_size", "0", damaged, "keyslots.0.key_size is 0"},
      {"/keyslots/0/key_size", "513", damaged, "above 512 bytes"},
      {"/keyslots/0/af/stripes", "0", damaged, "stripes is 0"},
      {"/keyslots/0/kdf/iterations", "0", damaged, "kdf.iterations is 0"},
      {"/digests/0/iterations", "0", damaged, "iterations is 0"},
      {"/segments/0/offset", R"("+0")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("-1")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("0x200")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"(" 0")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("18446744073709551616")", damaged,
       "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("")", damaged, "segments.0.offset is empty"},
      {"/keyslots/0/area/offset", R"("32768s")", damaged,
       "keyslots.0.area.offset is not a decimal number"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesTextThatIsNotPrintable) {
  const Malformed table[] = {
      {"/keyslots/0/type", R"("")", damaged, "keyslots.0.type is empty"},
      {"/segments/0/encryption", R"("aes\u001b[2J")", damaged, "not printable ASCII"},
      {"/segments/0/type", R"("crypt\u00e4")", damaged, "not printable ASCII"},
      {"/digests/0/hash", R"("sha256\u0000")", damaged, "not printable ASCII"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesIdsThatAreNotNumbersFrom0To31) {
  struct Renamed {
    const char *parent, *id, *word;
  };
  const Renamed table[] = {
      {"/keyslots", "32", "keyslots.32 is not numbered"},
      {"/keyslots", "01", "keyslots.01 is not numbered"},
      {"/keyslots", "a", "keyslots.a is not numbered"},
      {"/keyslots", "", "is not numbered"},
      {"/keyslots", "-1", "keyslots.-1 is not numbered"},
      {"/keyslots", "+1", "keyslots.+1 is not numbered"},
      {"/keyslots", "0 ", "is not numbered"},
      {"/keyslots", "4294967296", "is not numbered"},
      {"/keyslots", "\x1b[2J", "keyslots.?[2J"},
      {"/segments", "01", "segments.01 is not numbered"},
      {"/segments", "1", "segments.0 is missing"},
      {"/digests", "32", "digests.32 is not numbered"},
  };
  for (const Renamed& row : table) {
    SCOPED_TRACE(std::string(row.parent) + "/" + row.id);
    expect_error(damaged, row.word, [&] {
      parse([&](json& m) {
        json& object = m.at(json::json_pointer(row.parent));
        object[row.id] = object["0"];
        object.erase("0");
      });
    });
  }
  const Malformed token[] = {
      {"/tokens/x", R"({"type": "t", "keyslots": []})", damaged, "tokens.x is not numbered"},
  };
  check(token);
}

TEST(Luks2MetadataTest, RefusesReferencesToWhatIsNotThere) {
  const Malformed table[] = {
      {"/digests/0/keyslots", R"(["0", "5"])", damaged,
       "digests.0.keyslots[1] refers to keyslots.5, which does not exist"},
      {"/digests/0/segments", R"(["0", "1"])", damaged,
       "digests.0.segments[1] refers to segments.1, which does not exist"},
      {"/tokens/0", R"({"type": "t", "keyslots": ["9"]})", damaged,
       "tokens.0.keyslots[0] refers to keyslots.9, which does not exist"},
      {"/digests/0/keyslots", R"(["00"])", damaged, "refers to keyslots.00, which does not exist"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWrongSizesInTheConfig) {
  const Malformed table[] = {
      {"/config/json_size", R"("8192")", damaged,
       "config.json_size does not match the binary header"},
      {"/config/json_size", R"("16384")", damaged,
       "config.json_size does not match the binary header"},
      {"/config/keyslots_size", R"("262145")", damaged,
       "config.keyslots_size is not a multiple of 4096"},
      {"/config/keyslots_size", R"("134221824")", damaged,
       "config.keyslots_size is not a multiple of 4096 up to 128 MiB"},
      {"/config/keyslots_size", R"("18446744073709547520")", damaged, "config.keyslots_size"},
      {"/config/keyslots_size", R"("0")", damaged, "does not lie in the key slot area"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesAreasThatAreNotWhereTheyMayBe) {
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
      {"/keyslots/0/af/stripes", "4294967295", damaged, "stripes is above 65536"},
      {"two at one place", nullptr, damaged, "overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "32768";
       }},
      {"two that overlap by a byte", nullptr, damaged,
       "keyslots.0.area and keyslots.1.area overlap",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "163839";
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

TEST(Luks2MetadataTest, RefusesWhatAKeySlotMustNotSay) {
  const Malformed table[] = {
      {"/keyslots/0/priority", "3", damaged, "priority is not 0, 1 or 2"},
      {"/keyslots/0/af/type", R"("luks9")", damaged, "keyslots.0.af.type is not luks1"},
      {"/keyslots/0/area/type", R"("datashift")", damaged, "keyslots.0.area.type is not raw"},
      {"/keyslots/0/type", R"("luks3")", unsupported, "keyslots.0: key slot type 'luks3'"},
      {"type unknown beside a good one", nullptr, unsupported, "keyslots.1: key slot type 'future'",
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
       damaged, "keyslots.0.kdf.salt is shorter than 8 bytes"},
      {"/keyslots/0/area/key_size", "31", damaged, "248 bits"},
      {"/keyslots/0/area/encryption", R"("cipher_null-ecb")", ErrorKind::policy,
       "does not encrypt"},
      {"no slot at all", nullptr, damaged, "no key slot holds the volume's key",
       [](json& m) {
         m["keyslots"] = json::object();
         m["digests"]["0"]["keyslots"] = json::array();
       }},
      {"/digests/0/keyslots", "[]", damaged, "no key slot holds the volume's key"},
      {"a volume key that the segment's cipher has not", nullptr, damaged, "128 bits",
       [](json& m) { m["keyslots"]["0"]["key_size"] = 16; }},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWhatASegmentMustNotSay) {
  const auto second_segment = [](json& m) { m["segments"]["1"] = m["segments"]["0"]; };
  const Malformed table[] = {
      {"/segments", "{}", damaged, "segments is empty"},
      {"two", nullptr, unsupported, "several segments", second_segment},
      {"/segments/0/type", R"("linear")", unsupported, "segments.0: segment type 'linear'"},
      {"/segments/0/type", R"("future")", unsupported, "segment type 'future'"},
      {"/segments/0/integrity", R"({"type": "aead"})", unsupported, "authenticated encryption"},
      {"/segments/0/iv_tweak", R"("8")", unsupported, "iv_tweak is not 0"},
      {"/segments/0/offset", R"("513")", damaged, "segments.0.offset is not a multiple of 512"},
      {"/segments/0/offset", R"("4096")", damaged, "segments.0.offset lies inside the header"},
      {"/segments/0/offset", R"("1048576")", damaged, "segments.0.offset lies inside the header"},
      {"/segments/0/size", R"("0")", damaged, "size is not a multiple"},
      {"/segments/0/size", R"("1000")", damaged, "size is not a multiple"},
      {"size not aligned to its sectors", nullptr, damaged, "size is not a multiple",
       [](json& m) {
         m["segments"]["0"]["sector_size"] = 4096;
         m["segments"]["0"]["size"] = "4608";
       }},
      {"/segments/0/sector_size", "256", damaged, "sector_size is not 512"},
      {"/segments/0/sector_size", "8192", damaged, "sector_size is not 512"},
      {"/segments/0/sector_size", "1536", damaged, "sector_size is not 512"},
      {"/segments/0/sector_size", "0", damaged, "sector_size is not 512"},
      {"/segments/0/encryption", R"("blowfish-xts-plain64")", unsupported, "blowfish"},
      {"/segments/0/encryption", R"("aes")", unsupported, "'aes'"},
      {"/segments/0/encryption", R"("cipher_null-ecb")", ErrorKind::policy, "does not encrypt"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesVolumesInReencryptionWithTheirOwnMessage) {
  const Malformed table[] = {
      {"/config/requirements/mandatory", R"(["online-reencrypt-v2"])", unsupported,
       "is being reencrypted"},
      {"/config/requirements/mandatory", R"(["offline-reencrypt"])", unsupported,
       "is being reencrypted"},
      {"key slot", nullptr, unsupported, "is being reencrypted",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["type"] = "reencrypt";
       }},
      {"backup flags", nullptr, unsupported, "is being reencrypted",
       [](json& m) {
         m["segments"]["1"] = m["segments"]["0"];
         m["segments"]["1"]["flags"] = json::array({"backup-previous"});
       }},
      {"/segments/0/flags", R"(["in-reencryption"])", unsupported, "is being reencrypted"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesRequirementsThatItDoesNotKnow) {
  const Malformed table[] = {
      {"/config/requirements/mandatory", R"(["inline-hw-tags"])", unsupported,
       "the header requires 'inline-hw-tags'"},
      {"/config/requirements/mandatory", R"([""])", damaged,
       "config.requirements.mandatory[0] is empty"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesDigestsThatProveNothing) {
  const Malformed table[] = {
      {"/digests", "{}", damaged, "digests has no digest for the segment"},
      {"/digests/0/segments", "[]", damaged, "digests has no digest for the segment"},
      {"two for the segment", nullptr, damaged, "digests.1 is a second digest of the same segment",
       [](json& m) { m["digests"]["1"] = m["digests"]["0"]; }},
      {"/digests/0/type", R"("hmac")", unsupported, "digests.0: digest type 'hmac'"},
      {"/digests/0/hash", R"("md5")", unsupported, "hash 'md5'"},
      {"/digests/0/digest", R"("")", damaged, "digests.0.digest is empty"},
      {"/digests/0/digest", R"("AA==")", damaged, "has 1 bytes"},
      {"/digests/0/digest", R"("AAECAwQFBgcICQoLDA0ODxAREg==")", damaged, "has 19 bytes"},
      {"/digests/0/digest", R"("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==")", damaged,
       "has 31 bytes"},
      {"/digests/0/digest",
       R"("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==")",
       damaged, "has 64 bytes"},
      {"/digests/0/digest", R"("AA=A")", damaged, "digests.0.digest is not base64"},
      {"/digests/0/salt", R"("A")", damaged, "digests.0.salt is not base64"},
  };
  check(table);
}

// The library's own way to look at each object as it ends takes the square of their number.
TEST(Luks2MetadataTest, RefusesMoreValuesThanAnyHeaderHasInAnInstant) {
  std::string text = R"({"z":[)";
  while (text.size() < (std::size_t{4} << 20)) text += "{},";
  text += "{}]}";
  expect_error(ErrorKind::header_damaged, "more than 65536 values",
               [&] { parse_luks2_metadata(text, std::uint64_t{4} << 20); });
}

TEST(Luks2MetadataTest, ADuplicatedNameIsShownWithoutItsControlCharacters) {
  expect_error(ErrorKind::header_damaged, "the name 'a?[31m?b' twice", [] {
    parse_luks2_metadata("{\"a\\u001b[31m\\nb\":1,\"a\\u001b[31m\\nb\":2}", 16384);
  });
}

}  // namespace
}  // namespace luksdetached::luks
