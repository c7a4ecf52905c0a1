#include "luks/luks2_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2TokensTest, TheyAreListedInTheOrderOfTheirNumbers) {
  const Header header = parse_changed([](json& m) {
    add_slot_1(m);
    m["tokens"]["10"] = {
        {"type", "systemd-tpm2"}, {"keyslots", json::array({"1", "0", "1"})}, {"tpm2-blob", "x"}};
    m["tokens"]["2"] = {{"type", "Schl\u00fcssel\u0007"}, {"keyslots", json::array()}};
  });
  ASSERT_EQ(header.tokens.size(), 2U);
  EXPECT_EQ(header.tokens[0].id, 2U);
  EXPECT_EQ(header.tokens[0].type, "Schl\u00fcssel?");
  EXPECT_TRUE(header.tokens[0].keyslots.empty());
  EXPECT_EQ(header.tokens[1].id, 10U);
  EXPECT_EQ(header.tokens[1].type, "systemd-tpm2");
  EXPECT_EQ(header.tokens[1].keyslots, (std::vector<unsigned>{0, 1}));
  EXPECT_TRUE(header.refusals.empty());
}

TEST(Luks2TokensTest, TheMessageOfClevisIsKept) {
  const auto jwe_of = [](const json& token) {
    return parse_changed([&](json& m) {
             m["tokens"]["0"] = token;
             m["tokens"]["0"]["keyslots"] = json::array({"0"});
           })
        .tokens.at(0)
        .jwe;
  };
  const json message = {
      {"protected", "cHJv"}, {"iv", "aXY"}, {"ciphertext", "Y3Q"}, {"tag", "dGFn"}};
  EXPECT_EQ(jwe_of({{"type", "clevis"}, {"jwe", message}}), "cHJv..aXY.Y3Q.dGFn");
  EXPECT_EQ(jwe_of({{"type", "clevis"}, {"jwe", "cHJv..aXY.Y3Q.dGFn"}}), "cHJv..aXY.Y3Q.dGFn");
  // Not what this version can read, but the header is as good as before.
  EXPECT_EQ(jwe_of({{"type", "clevis"}, {"jwe", 1}}), "");
  EXPECT_EQ(jwe_of({{"type", "clevis"}}), "");
  EXPECT_EQ(jwe_of({{"type", "other"}, {"jwe", message}}), "");
}

TEST(Luks2TokensTest, RefusesWhatIsMissingOrOfAnotherType) {
  const Malformed table[] = {
      {"/tokens", nullptr, damaged, "tokens is missing"},
      {"/tokens", "[]", damaged, "tokens is not an object"},
      {"/tokens/0", "true", damaged, "tokens.0 is not an object"},
      {"/tokens/0", R"({"type": "x", "keyslots": 0})", damaged,
       "tokens.0.keyslots is not an array"},
      {"/tokens/0", R"({"keyslots": []})", damaged, "tokens.0.type is missing"},
      {"/tokens/0", R"({"type": "x"})", damaged, "tokens.0.keyslots is missing"},
      {"/tokens/0", R"({"type": "t", "keyslots": ["9"]})", damaged,
       "tokens.0.keyslots[0] refers to keyslots.9, which does not exist"},
      {"/tokens/x", R"({"type": "t", "keyslots": []})", damaged, "tokens.x is not numbered"},
      {"/tokens/0", R"({"type": "", "keyslots": []})", damaged, "tokens.0.type is empty"},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
