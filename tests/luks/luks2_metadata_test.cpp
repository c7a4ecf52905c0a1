#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "header_builder.h"
#include "luks/header.h"

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
      {"cipher of the area", [](json& s) { s["area"]["encryption"] = "serpent-xts-plain64"; },
       "serpent"},
      {"cipher of another shape", [](json& s) { s["area"]["encryption"] = "capi"; }, "capi"},
      {"kdf", [](json& s) { s["kdf"]["type"] = "scrypt"; }, "key derivation 'scrypt'"},
      {"hash of the kdf", [](json& s) { s["kdf"]["hash"] = "sha3-256"; }, "hash 'sha3-256'"},
      {"hash of the splitter", [](json& s) { s["af"]["hash"] = "blake2b-512"; }, "blake2b-512"},
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
  const char* name;
  std::function<void(json&)> change;
  ErrorKind kind;
  const char* word;
};

void check(std::span<const Malformed> table) {
  for (const Malformed& row : table) {
    SCOPED_TRACE(row.name);
    expect_error(row.kind, row.word, [&] { parse(row.change); });
  }
}

constexpr auto damaged = ErrorKind::header_damaged;
constexpr auto unsupported = ErrorKind::unsupported;

// Sets the member that `pointer` (RFC 6901) names.
std::function<void(json&)> set(const char* pointer, const json& value) {
  return [=](json& m) { m[json::json_pointer(pointer)] = value; };
}

std::function<void(json&)> without(const char* parent, const char* name) {
  return [=](json& m) { m.at(json::json_pointer(parent)).erase(name); };
}

// Renames the member "0" of the object that `parent` names.
std::function<void(json&)> numbered(const char* parent, const char* id) {
  return [=](json& m) {
    json& object = m.at(json::json_pointer(parent));
    object[id] = object["0"];
    object.erase("0");
  };
}

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
      {"config", without("", "config"), damaged, "config is missing"},
      {"keyslots", without("", "keyslots"), damaged, "keyslots is missing"},
      {"segments", without("", "segments"), damaged, "segments is missing"},
      {"digests", without("", "digests"), damaged, "digests is missing"},
      {"tokens", without("", "tokens"), damaged, "tokens is missing"},
      {"json_size", without("/config", "json_size"), damaged, "config.json_size is missing"},
      {"keyslots_size", without("/config", "keyslots_size"), damaged,
       "config.keyslots_size is missing"},
      {"slot type", without("/keyslots/0", "type"), damaged, "keyslots.0.type is missing"},
      {"slot key_size", without("/keyslots/0", "key_size"), damaged,
       "keyslots.0.key_size is missing"},
      {"af", without("/keyslots/0", "af"), damaged, "keyslots.0.af is missing"},
      {"af type", without("/keyslots/0/af", "type"), damaged, "keyslots.0.af.type is missing"},
      {"stripes", without("/keyslots/0/af", "stripes"), damaged,
       "keyslots.0.af.stripes is missing"},
      {"af hash", without("/keyslots/0/af", "hash"), damaged, "keyslots.0.af.hash is missing"},
      {"kdf", without("/keyslots/0", "kdf"), damaged, "keyslots.0.kdf is missing"},
      {"kdf type", without("/keyslots/0/kdf", "type"), damaged, "keyslots.0.kdf.type is missing"},
      {"kdf salt", without("/keyslots/0/kdf", "salt"), damaged, "keyslots.0.kdf.salt is missing"},
      {"kdf hash", without("/keyslots/0/kdf", "hash"), damaged, "keyslots.0.kdf.hash is missing"},
      {"iterations", without("/keyslots/0/kdf", "iterations"), damaged,
       "keyslots.0.kdf.iterations is missing"},
      {"area", without("/keyslots/0", "area"), damaged, "keyslots.0.area is missing"},
      {"area type", without("/keyslots/0/area", "type"), damaged,
       "keyslots.0.area.type is missing"},
      {"area offset", without("/keyslots/0/area", "offset"), damaged,
       "keyslots.0.area.offset is missing"},
      {"area size", without("/keyslots/0/area", "size"), damaged,
       "keyslots.0.area.size is missing"},
      {"area encryption", without("/keyslots/0/area", "encryption"), damaged,
       "keyslots.0.area.encryption is missing"},
      {"area key_size", without("/keyslots/0/area", "key_size"), damaged,
       "keyslots.0.area.key_size is missing"},
      {"segment type", without("/segments/0", "type"), damaged, "segments.0.type is missing"},
      {"segment offset", without("/segments/0", "offset"), damaged, "segments.0.offset is missing"},
      {"segment size", without("/segments/0", "size"), damaged, "segments.0.size is missing"},
      {"iv_tweak", without("/segments/0", "iv_tweak"), damaged, "segments.0.iv_tweak is missing"},
      {"encryption", without("/segments/0", "encryption"), damaged,
       "segments.0.encryption is missing"},
      {"sector_size", without("/segments/0", "sector_size"), damaged,
       "segments.0.sector_size is missing"},
      {"digest type", without("/digests/0", "type"), damaged, "digests.0.type is missing"},
      {"digest keyslots", without("/digests/0", "keyslots"), damaged,
       "digests.0.keyslots is missing"},
      {"digest segments", without("/digests/0", "segments"), damaged,
       "digests.0.segments is missing"},
      {"digest hash", without("/digests/0", "hash"), damaged, "digests.0.hash is missing"},
      {"digest iterations", without("/digests/0", "iterations"), damaged,
       "digests.0.iterations is missing"},
      {"digest salt", without("/digests/0", "salt"), damaged, "digests.0.salt is missing"},
      {"digest digest", without("/digests/0", "digest"), damaged, "digests.0.digest is missing"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWrongTypes) {
  const json object = json::object();
  const Malformed table[] = {
      {"config an array", set("/config", json::array()), damaged, "config is not an object"},
      {"keyslots null", set("/keyslots", nullptr), damaged, "keyslots is not an object"},
      {"segments a string", set("/segments", "x"), damaged, "segments is not an object"},
      {"digests a number", set("/digests", 1), damaged, "digests is not an object"},
      {"tokens an array", set("/tokens", json::array()), damaged, "tokens is not an object"},
      {"a slot that is a number", set("/keyslots/0", 1), damaged, "keyslots.0 is not an object"},
      {"a segment that is a string", set("/segments/0", "x"), damaged,
       "segments.0 is not an object"},
      {"a digest that is null", set("/digests/0", nullptr), damaged, "digests.0 is not an object"},
      {"a token that is true", set("/tokens/0", true), damaged, "tokens.0 is not an object"},
      {"json_size a number", set("/config/json_size", 12288), damaged,
       "config.json_size is not a string"},
      {"requirements a list", set("/config/requirements", json::array({"x"})), damaged,
       "config.requirements is not an object"},
      {"mandatory a string", set("/config/requirements/mandatory", "x"), damaged,
       "config.requirements.mandatory is not an array"},
      {"a requirement that is a number", set("/config/requirements/mandatory", json::array({1})),
       damaged, "config.requirements.mandatory[0] is not a string"},
      {"slot type a number", set("/keyslots/0/type", 2), damaged,
       "keyslots.0.type is not a string"},
      {"slot key_size a string", set("/keyslots/0/key_size", "32"), damaged,
       "keyslots.0.key_size is not a whole number"},
      {"priority a string", set("/keyslots/0/priority", "1"), damaged,
       "keyslots.0.priority is not a whole number"},
      {"af a string", set("/keyslots/0/af", "luks1"), damaged, "keyslots.0.af is not an object"},
      {"stripes null", set("/keyslots/0/af/stripes", nullptr), damaged,
       "keyslots.0.af.stripes is not a whole number"},
      {"kdf an array", set("/keyslots/0/kdf", json::array()), damaged,
       "keyslots.0.kdf is not an object"},
      {"salt a number", set("/keyslots/0/kdf/salt", 1), damaged,
       "keyslots.0.kdf.salt is not a string"},
      {"area true", set("/keyslots/0/area", true), damaged, "keyslots.0.area is not an object"},
      {"area offset a number", set("/keyslots/0/area/offset", 32768), damaged,
       "keyslots.0.area.offset is not a string"},
      {"area encryption an object", set("/keyslots/0/area/encryption", object), damaged,
       "keyslots.0.area.encryption is not a string"},
      {"segment size a number", set("/segments/0/size", 512), damaged,
       "segments.0.size is not a string"},
      {"sector_size a string", set("/segments/0/sector_size", "512"), damaged,
       "segments.0.sector_size is not a whole number"},
      {"iv_tweak a number", set("/segments/0/iv_tweak", 0), damaged,
       "segments.0.iv_tweak is not a string"},
      {"segment flags a string", set("/segments/0/flags", "backup"), damaged,
       "segments.0.flags is not an array"},
      {"a segment flag that is a number", set("/segments/0/flags", json::array({1})), damaged,
       "segments.0.flags[0] is not a string"},
      {"digest keyslots an object", set("/digests/0/keyslots", object), damaged,
       "digests.0.keyslots is not an array"},
      {"digest keyslots of numbers", set("/digests/0/keyslots", json::array({0})), damaged,
       "digests.0.keyslots[0] is not a string"},
      {"digest segments a string", set("/digests/0/segments", "0"), damaged,
       "digests.0.segments is not an array"},
      {"digest hash a number", set("/digests/0/hash", 256), damaged,
       "digests.0.hash is not a string"},
      {"digest digest an array", set("/digests/0/digest", json::array()), damaged,
       "digests.0.digest is not a string"},
      {"token keyslots a number", set("/tokens/0", {{"type", "x"}, {"keyslots", 0}}), damaged,
       "tokens.0.keyslots is not an array"},
      {"token without a type", set("/tokens/0", {{"keyslots", json::array()}}), damaged,
       "tokens.0.type is missing"},
      {"token without keyslots", set("/tokens/0", {{"type", "x"}}), damaged,
       "tokens.0.keyslots is missing"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesNumbersThatAreNone) {
  const auto huge = std::uint64_t{1} << 32;
  const Malformed table[] = {
      {"negative", set("/keyslots/0/key_size", -32), damaged, "key_size is not a whole number"},
      {"a float", set("/keyslots/0/key_size", 32.0), damaged, "key_size is not a whole number"},
      {"a fraction", set("/keyslots/0/af/stripes", 4000.5), damaged,
       "stripes is not a whole number"},
      {"2^32", set("/keyslots/0/kdf/iterations", huge), damaged,
       "iterations is not a whole number"},
      {"2^64 as a float", set("/keyslots/0/kdf/iterations", 18446744073709551616.0), damaged,
       "iterations is not a whole number"},
      {"2^64 - 1", set("/digests/0/iterations", UINT64_MAX), damaged,
       "digests.0.iterations is not a whole number"},
      {"2^32 + 512 for a sector", set("/segments/0/sector_size", huge + 512), damaged,
       "sector_size is not a whole number"},
      {"no key_size", set("/keyslots/0/key_size", 0), damaged, "keyslots.0.key_size is 0"},
      {"key_size 513", set("/keyslots/0/key_size", 513), damaged, "above 512 bytes"},
      {"no stripes", set("/keyslots/0/af/stripes", 0), damaged, "stripes is 0"},
      {"no iterations", set("/keyslots/0/kdf/iterations", 0), damaged, "kdf.iterations is 0"},
      {"no digest iterations", set("/digests/0/iterations", 0), damaged, "iterations is 0"},
      {"a 64-bit number with a sign", set("/segments/0/offset", "+0"), damaged,
       "segments.0.offset is not a decimal number"},
      {"a negative 64-bit number", set("/segments/0/offset", "-1"), damaged,
       "segments.0.offset is not a decimal number"},
      {"a 64-bit number in hexadecimal", set("/segments/0/offset", "0x200"), damaged,
       "segments.0.offset is not a decimal number"},
      {"a 64-bit number with a blank", set("/segments/0/offset", " 0"), damaged,
       "segments.0.offset is not a decimal number"},
      {"2^64 as a string", set("/segments/0/offset", "18446744073709551616"), damaged,
       "segments.0.offset is not a decimal number"},
      {"an empty 64-bit number", set("/segments/0/offset", ""), damaged,
       "segments.0.offset is empty"},
      {"an offset with a suffix", set("/keyslots/0/area/offset", "32768s"), damaged,
       "keyslots.0.area.offset is not a decimal number"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesTextThatIsNotPrintable) {
  const Malformed table[] = {
      {"empty", set("/keyslots/0/type", ""), damaged, "keyslots.0.type is empty"},
      {"an escape", set("/segments/0/encryption", "aes\x1b[2J"), damaged, "not printable ASCII"},
      {"UTF-8", set("/segments/0/type", "crypt\xc3\xa4"), damaged, "not printable ASCII"},
      {"a NUL", set("/digests/0/hash", std::string("sha256\0", 7)), damaged, "not printable ASCII"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesIdsThatAreNotNumbersFrom0To31) {
  const Malformed table[] = {
      {"slot 32", numbered("/keyslots", "32"), damaged, "keyslots.32 is not numbered"},
      {"slot 01", numbered("/keyslots", "01"), damaged, "keyslots.01 is not numbered"},
      {"slot a", numbered("/keyslots", "a"), damaged, "keyslots.a is not numbered"},
      {"slot without name", numbered("/keyslots", ""), damaged, "is not numbered"},
      {"slot -1", numbered("/keyslots", "-1"), damaged, "keyslots.-1 is not numbered"},
      {"slot +1", numbered("/keyslots", "+1"), damaged, "keyslots.+1 is not numbered"},
      {"slot 0 with a blank", numbered("/keyslots", "0 "), damaged, "is not numbered"},
      {"slot 2^32", numbered("/keyslots", "4294967296"), damaged, "is not numbered"},
      {"slot with an escape", numbered("/keyslots", "\x1b[2J"), damaged, "keyslots.?[2J"},
      {"segment 01", numbered("/segments", "01"), damaged, "segments.01 is not numbered"},
      {"segment 1 only", numbered("/segments", "1"), damaged, "segments.0 is missing"},
      {"digest 32", numbered("/digests", "32"), damaged, "digests.32 is not numbered"},
      {"token x", set("/tokens/x", {{"type", "t"}, {"keyslots", json::array()}}), damaged,
       "tokens.x is not numbered"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesReferencesToWhatIsNotThere) {
  const Malformed table[] = {
      {"digest to a slot", set("/digests/0/keyslots", json::array({"0", "5"})), damaged,
       "digests.0.keyslots[1] refers to keyslots.5, which does not exist"},
      {"digest to a segment", set("/digests/0/segments", json::array({"0", "1"})), damaged,
       "digests.0.segments[1] refers to segments.1, which does not exist"},
      {"token to a slot", set("/tokens/0", {{"type", "t"}, {"keyslots", json::array({"9"})}}),
       damaged, "tokens.0.keyslots[0] refers to keyslots.9, which does not exist"},
      {"digest to a slot of another spelling", set("/digests/0/keyslots", json::array({"00"})),
       damaged, "refers to keyslots.00, which does not exist"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWrongSizesInTheConfig) {
  const Malformed table[] = {
      {"json_size too small", set("/config/json_size", "8192"), damaged,
       "config.json_size does not match the binary header"},
      {"json_size too large", set("/config/json_size", "16384"), damaged,
       "config.json_size does not match the binary header"},
      {"keyslots_size not aligned", set("/config/keyslots_size", "262145"), damaged,
       "config.keyslots_size is not a multiple of 4096"},
      {"keyslots_size too large", set("/config/keyslots_size", "134221824"), damaged,
       "config.keyslots_size is not a multiple of 4096 up to 128 MiB"},
      {"keyslots_size 2^64 - 4096", set("/config/keyslots_size", "18446744073709547520"), damaged,
       "config.keyslots_size"},
      {"keyslots_size 0", set("/config/keyslots_size", "0"), damaged,
       "does not lie in the key slot area"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesAreasThatAreNotWhereTheyMayBe) {
  const Malformed table[] = {
      {"at 0", set("/keyslots/0/area/offset", "0"), damaged, "does not lie in the key slot area"},
      {"in the metadata", set("/keyslots/0/area/offset", "28672"), damaged,
       "does not lie in the key slot area (bytes 32768 to "},
      {"at the end of the areas", set("/keyslots/0/area/offset", "1081344"), damaged,
       "does not lie in the key slot area"},
      {"over the end of the areas", set("/keyslots/0/area/offset", "1000000"), damaged,
       "does not lie in the key slot area"},
      {"far outside", set("/keyslots/0/area/offset", "18446744073709551104"), damaged,
       "does not lie in the key slot area"},
      {"size 0", set("/keyslots/0/area/size", "0"), damaged, "does not lie in the key slot area"},
      {"size too large", set("/keyslots/0/area/size", "2000000"), damaged,
       "does not lie in the key slot area"},
      {"size that wraps", set("/keyslots/0/area/size", "18446744073709551615"), damaged,
       "does not lie in the key slot area"},
      {"too small", set("/keyslots/0/area/size", "126976"), damaged,
       "keyslots.0.area is too small for 4000 stripes"},
      {"too many stripes", set("/keyslots/0/af/stripes", 4097), damaged,
       "too small for 4097 stripes"},
      {"4294967295 stripes", set("/keyslots/0/af/stripes", 4294967295U), damaged,
       "too small for 4294967295 stripes"},
      {"two at one place",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "32768";
       },
       damaged, "overlap"},
      {"two that overlap by a byte",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "163839";
       },
       damaged, "keyslots.0.area and keyslots.1.area overlap"},
      {"an unbound one that overlaps",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "98304";
         m["digests"]["0"]["keyslots"] = json::array({"0"});
       },
       damaged, "overlap"},
      {"an unusable one that overlaps",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["area"]["offset"] = "98304";
         m["keyslots"]["1"]["kdf"]["type"] = "scrypt";
       },
       damaged, "overlap"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWhatAKeySlotMustNotSay) {
  const Malformed table[] = {
      {"priority 3", set("/keyslots/0/priority", 3), damaged, "priority is not 0, 1 or 2"},
      {"splitter of another kind", set("/keyslots/0/af/type", "luks9"), damaged,
       "keyslots.0.af.type is not luks1"},
      {"area of another kind", set("/keyslots/0/area/type", "datashift"), damaged,
       "keyslots.0.area.type is not raw"},
      {"type unknown", set("/keyslots/0/type", "luks3"), unsupported,
       "keyslots.0: key slot type 'luks3'"},
      {"type unknown beside a good one",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["type"] = "future";
       },
       unsupported, "keyslots.1: key slot type 'future'"},
      {"salt that is not base64", set("/keyslots/0/kdf/salt", "Zm9v!"), damaged,
       "keyslots.0.kdf.salt is not base64"},
      {"salt on two lines", set("/keyslots/0/kdf/salt", "Zm9v YmFy"), damaged,
       "keyslots.0.kdf.salt is not base64"},
      {"argon2 without time",
       set("/keyslots/0/kdf",
           {{"type", "argon2id"}, {"memory", 64}, {"cpus", 1}, {"salt", to_base64(pattern(32))}}),
       damaged, "keyslots.0.kdf.time is missing"},
      {"argon2 with no passes",
       set("/keyslots/0/kdf", {{"type", "argon2id"},
                               {"time", 0},
                               {"memory", 64},
                               {"cpus", 1},
                               {"salt", to_base64(pattern(32))}}),
       damaged, "keyslots.0.kdf.time is 0"},
      {"argon2 with no lanes",
       set("/keyslots/0/kdf", {{"type", "argon2i"},
                               {"time", 1},
                               {"memory", 64},
                               {"cpus", 0},
                               {"salt", to_base64(pattern(32))}}),
       damaged, "keyslots.0.kdf.cpus is 0"},
      {"argon2 with too little memory",
       set("/keyslots/0/kdf", {{"type", "argon2id"},
                               {"time", 1},
                               {"memory", 31},
                               {"cpus", 4},
                               {"salt", to_base64(pattern(32))}}),
       damaged, "keyslots.0.kdf.memory is less than 8 KiB for each of the cpus"},
      {"argon2 with a short salt",
       set("/keyslots/0/kdf", {{"type", "argon2id"},
                               {"time", 1},
                               {"memory", 64},
                               {"cpus", 1},
                               {"salt", to_base64(pattern(7))}}),
       damaged, "keyslots.0.kdf.salt is shorter than 8 bytes"},
      {"a key that its area's cipher has not", set("/keyslots/0/area/key_size", 31), damaged,
       "248 bits"},
      {"an area that is not encrypted", set("/keyslots/0/area/encryption", "cipher_null-ecb"),
       ErrorKind::policy, "does not encrypt"},
      {"no slot at all",
       [](json& m) {
         m["keyslots"] = json::object();
         m["digests"]["0"]["keyslots"] = json::array();
       },
       damaged, "no key slot holds the volume's key"},
      {"only unbound slots", set("/digests/0/keyslots", json::array()), damaged,
       "no key slot holds the volume's key"},
      {"a volume key that the segment's cipher has not",
       [](json& m) { m["keyslots"]["0"]["key_size"] = 16; }, damaged, "128 bits"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesWhatASegmentMustNotSay) {
  const auto second_segment = [](json& m) { m["segments"]["1"] = m["segments"]["0"]; };
  const Malformed table[] = {
      {"none", set("/segments", json::object()), damaged, "segments is empty"},
      {"two", second_segment, unsupported, "several segments"},
      {"linear", set("/segments/0/type", "linear"), unsupported,
       "segments.0: segment type 'linear'"},
      {"type unknown", set("/segments/0/type", "future"), unsupported, "segment type 'future'"},
      {"integrity", set("/segments/0/integrity", {{"type", "aead"}}), unsupported,
       "authenticated encryption"},
      {"iv_tweak", set("/segments/0/iv_tweak", "8"), unsupported, "iv_tweak is not 0"},
      {"offset not aligned", set("/segments/0/offset", "513"), damaged,
       "segments.0.offset is not a multiple of 512"},
      {"offset in the header", set("/segments/0/offset", "4096"), damaged,
       "segments.0.offset lies inside the header"},
      {"offset in the key slots", set("/segments/0/offset", "1048576"), damaged,
       "segments.0.offset lies inside the header"},
      {"size 0", set("/segments/0/size", "0"), damaged, "size is not a multiple"},
      {"size not aligned", set("/segments/0/size", "1000"), damaged, "size is not a multiple"},
      {"size not aligned to its sectors",
       [](json& m) {
         m["segments"]["0"]["sector_size"] = 4096;
         m["segments"]["0"]["size"] = "4608";
       },
       damaged, "size is not a multiple"},
      {"sector of 256", set("/segments/0/sector_size", 256), damaged, "sector_size is not 512"},
      {"sector of 8192", set("/segments/0/sector_size", 8192), damaged, "sector_size is not 512"},
      {"sector of 1536", set("/segments/0/sector_size", 1536), damaged, "sector_size is not 512"},
      {"sector of 0", set("/segments/0/sector_size", 0), damaged, "sector_size is not 512"},
      {"cipher unknown", set("/segments/0/encryption", "serpent-xts-plain64"), unsupported,
       "serpent"},
      {"cipher of another shape", set("/segments/0/encryption", "aes"), unsupported, "'aes'"},
      {"cipher_null", set("/segments/0/encryption", "cipher_null-ecb"), ErrorKind::policy,
       "does not encrypt"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesVolumesInReencryptionWithTheirOwnMessage) {
  const Malformed table[] = {
      {"requirement", set("/config/requirements/mandatory", json::array({"online-reencrypt-v2"})),
       unsupported, "is being reencrypted"},
      {"offline requirement",
       set("/config/requirements/mandatory", json::array({"offline-reencrypt"})), unsupported,
       "is being reencrypted"},
      {"key slot",
       [](json& m) {
         add_slot_1(m);
         m["keyslots"]["1"]["type"] = "reencrypt";
       },
       unsupported, "is being reencrypted"},
      {"backup flags",
       [](json& m) {
         m["segments"]["1"] = m["segments"]["0"];
         m["segments"]["1"]["flags"] = json::array({"backup-previous"});
       },
       unsupported, "is being reencrypted"},
      {"in-reencryption", set("/segments/0/flags", json::array({"in-reencryption"})), unsupported,
       "is being reencrypted"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesRequirementsThatItDoesNotKnow) {
  const Malformed table[] = {
      {"unknown", set("/config/requirements/mandatory", json::array({"inline-hw-tags"})),
       unsupported, "the header requires 'inline-hw-tags'"},
      {"empty", set("/config/requirements/mandatory", json::array({""})), damaged,
       "config.requirements.mandatory[0] is empty"},
  };
  check(table);
}

TEST(Luks2MetadataTest, RefusesDigestsThatProveNothing) {
  const Malformed table[] = {
      {"none", set("/digests", json::object()), damaged, "digests has no digest for the segment"},
      {"none for the segment", set("/digests/0/segments", json::array()), damaged,
       "digests has no digest for the segment"},
      {"two for the segment", [](json& m) { m["digests"]["1"] = m["digests"]["0"]; }, damaged,
       "digests.1 is a second digest of the same segment"},
      {"type unknown", set("/digests/0/type", "hmac"), unsupported,
       "digests.0: digest type 'hmac'"},
      {"hash unknown", set("/digests/0/hash", "md5"), unsupported, "hash 'md5'"},
      {"empty", set("/digests/0/digest", ""), damaged, "digests.0.digest is empty"},
      {"of one byte", set("/digests/0/digest", "AA=="), damaged, "has 1 bytes"},
      {"of 19 bytes", set("/digests/0/digest", to_base64(pattern(19))), damaged, "has 19 bytes"},
      {"of 31 bytes", set("/digests/0/digest", to_base64(pattern(31))), damaged, "has 31 bytes"},
      {"of 64 bytes with sha256", set("/digests/0/digest", to_base64(pattern(64))), damaged,
       "has 64 bytes"},
      {"not base64", set("/digests/0/digest", "AA=A"), damaged, "digests.0.digest is not base64"},
      {"salt not base64", set("/digests/0/salt", "A"), damaged, "digests.0.salt is not base64"},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
