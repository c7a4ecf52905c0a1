#include "luks/luks2_digests.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2DigestsTest, SaysWhatTheDigestIs) {
  const Digest digest = parse_changed([](json&) {}).digest;
  EXPECT_EQ(digest.cost.hash, Hash::sha256);
  EXPECT_EQ(digest.cost.iterations, 2U);
  EXPECT_EQ(to_hex(digest.salt), to_hex(pattern(32, 6)));
  EXPECT_EQ(digest.digest.size(), 32U);
}

TEST(Luks2DigestsTest, ADigestMayBeCutTo20BytesAsLuks1Has) {
  EXPECT_EQ(parse_changed([](json& m) {
              m["digests"]["0"]["digest"] = to_base64(pattern(20));
            }).digest.digest.size(),
            20U);
}

TEST(Luks2DigestsTest, OfNoSegmentItMayBeOfAnyKind) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    unbind_slot_1(m);
    m["digests"]["1"] = {
        {"type", "future"}, {"keyslots", json::array({"1"})}, {"segments", json::array()}};
  });
  EXPECT_TRUE(header.refusals.empty());
  EXPECT_FALSE(header.keyslots.at(1).bound);
}

TEST(Luks2DigestsTest, OneOfAnUnknownKindIsNotShownButItsSlotsAreBound) {
  const Header header = parse_changed([](json& m) { m["digests"]["0"]["type"] = "future"; });
  ASSERT_EQ(header.refusals.size(), 1U);
  EXPECT_TRUE(header.digest.digest.empty());
  EXPECT_TRUE(header.keyslots.at(0).bound);
}

TEST(Luks2DigestsTest, RefusesWhatIsMissingOrOfAnotherType) {
  const Malformed table[] = {
      {"/digests", nullptr, damaged, "digests is missing"},
      {"/digests/0/type", nullptr, damaged, "digests.0.type is missing"},
      {"/digests/0/keyslots", nullptr, damaged, "digests.0.keyslots is missing"},
      {"/digests/0/segments", nullptr, damaged, "digests.0.segments is missing"},
      {"/digests/0/hash", nullptr, damaged, "digests.0.hash is missing"},
      {"/digests/0/iterations", nullptr, damaged, "digests.0.iterations is missing"},
      {"/digests/0/salt", nullptr, damaged, "digests.0.salt is missing"},
      {"/digests/0/digest", nullptr, damaged, "digests.0.digest is missing"},
      {"/digests", "1", damaged, "digests is not an object"},
      {"/digests/0", "null", damaged, "digests.0 is not an object"},
      {"/digests/0/keyslots", "{}", damaged, "digests.0.keyslots is not an array"},
      {"/digests/0/keyslots", "[0]", damaged, "digests.0.keyslots[0] is not a string"},
      {"/digests/0/segments", R"("0")", damaged, "digests.0.segments is not an array"},
      {"/digests/0/hash", "256", damaged, "digests.0.hash is not a string"},
      {"/digests/0/digest", "[]", damaged, "digests.0.digest is not a string"},
      {"/digests/0/iterations", "18446744073709551615", damaged,
       "digests.0.iterations is not a whole number"},
      {"/digests/0/iterations", "0", damaged, "iterations is 0"},
      {"/digests/0/hash", R"("sha256\u0000")", damaged, "not printable ASCII"},
      {"/digests/0/keyslots", R"(["0", "5"])", damaged,
       "digests.0.keyslots[1] refers to keyslots.5, which does not exist"},
      {"/digests/0/segments", R"(["0", "1"])", damaged,
       "digests.0.segments[1] refers to segments.1, which does not exist"},
      {"/digests/0/keyslots", R"(["00"])", damaged, "refers to keyslots.00, which does not exist"},
  };
  check(table);
}

TEST(Luks2DigestsTest, RefusesDigestsThatProveNothing) {
  const Malformed table[] = {
      {"/digests/0/segments", "[]", damaged, "segments.0 has no digest"},
      {"two for the segment", nullptr, damaged, "digests.1 is a second digest of segments.0",
       [](json& m) {
         m["digests"]["1"] = m["digests"]["0"];
         m["digests"]["1"]["keyslots"] = json::array();
       }},
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
      {"/digests/0/salt", R"("AAAA")", damaged, "digests.0.salt has 3 bytes instead of 32"},
      {"an unknown hash hides no damage", nullptr, damaged, "has 19 bytes",
       [](json& m) {
         m["digests"]["0"]["hash"] = "md5";
         m["digests"]["0"]["digest"] = to_base64(pattern(19));
       }},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
