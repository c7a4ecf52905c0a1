#include "luks/luks2_config.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2ConfigTest, TheSizesOfTheHeaderAreThoseOfItsAreas) {
  const Header header = parse_changed([](json& m) { m["config"]["keyslots_size"] = "1048576"; });
  EXPECT_EQ(header.end, 32768U + 1048576U);
  EXPECT_EQ(header.key_material_end, 32768U + 128000U);
}

TEST(Luks2ConfigTest, AnEmptyListOfRequirementsIsNone) {
  EXPECT_NO_THROW(
      parse_changed([](json& m) { m["config"]["requirements"]["mandatory"] = json::array(); }));
  EXPECT_NO_THROW(parse_changed([](json& m) { m["config"]["requirements"] = json::object(); }));
}

TEST(Luks2ConfigTest, FlagsAreListedAsTheyAre) {
  const Header header = parse_changed([](json& m) {
    m["config"]["flags"] = json::array({"allow-discards", "br\u00fche", "a\nb"});
  });
  EXPECT_EQ(header.flags, (std::vector<std::string>{"allow-discards", "br\u00fche", "a?b"}));
  EXPECT_TRUE(header.refusals.empty());
}

TEST(Luks2ConfigTest, RefusesWhatIsMissingOrOfAnotherType) {
  const Malformed table[] = {
      {"/config", nullptr, damaged, "config is missing"},
      {"/config/json_size", nullptr, damaged, "config.json_size is missing"},
      {"/config/keyslots_size", nullptr, damaged, "config.keyslots_size is missing"},
      {"/config", "[]", damaged, "config is not an object"},
      {"/config/json_size", "12288", damaged, "config.json_size is not a string"},
      {"/config/requirements", R"(["x"])", damaged, "config.requirements is not an object"},
      {"/config/requirements/mandatory", R"("x")", damaged,
       "config.requirements.mandatory is not an array"},
      {"/config/requirements/mandatory", "[1]", damaged,
       "config.requirements.mandatory[0] is not a string"},
      {"/config/flags", R"("x")", damaged, "config.flags is not an array"},
      {"/config/flags", "[1]", damaged, "config.flags[0] is not a string"},
  };
  check(table);
}

TEST(Luks2ConfigTest, RefusesWrongSizesInTheConfig) {
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

TEST(Luks2ConfigTest, UnknownRequirementsAreRefusedByTheirNames) {
  const Malformed table[] = {
      {"/config/requirements/mandatory", R"(["inline-hw-tags"])", unsupported,
       "the header requires 'inline-hw-tags', an unknown requirement"},
      {"/config/requirements/mandatory", R"(["online-reencrypt-vx"])", unsupported,
       "the header requires 'online-reencrypt-vx'"},
      {"/config/requirements/mandatory", R"(["re\u001bencrypt"])", unsupported,
       "the header requires 're?encrypt'"},
      {"/config/requirements/mandatory", R"([""])", damaged,
       "config.requirements.mandatory[0] is empty"},
  };
  check(table);
}

TEST(Luks2ConfigTest, WithAnUnknownRequirementTheRestIsStillThere) {
  const Header header = parse_changed([](json& m) {
    m["config"]["requirements"]["mandatory"] = json::array({"a", "b"});
  });
  ASSERT_EQ(header.refusals.size(), 2U);
  EXPECT_NE(header.refusals[1].message.find("'b'"), std::string::npos);
  EXPECT_EQ(header.segment.cipher.text(), "aes-xts-plain64");
  EXPECT_EQ(header.keyslots.size(), 1U);
}

TEST(Luks2ConfigTest, DamageCountsMoreThanAnUnknownRequirement) {
  expect_error(damaged, "keyslots.0.kdf is missing", [] {
    parse_changed([](json& m) {
      m["config"]["requirements"]["mandatory"] = json::array({"future"});
      m["keyslots"]["0"].erase("kdf");
    });
  });
}

}  // namespace
}  // namespace luksdetached::luks
