#include "luks/luks2_reencryption.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2ReencryptionTest, AVolumeInReencryptionIsShownAndRefused) {
  const Header header = parse_changed(begin_reencryption);
  ASSERT_EQ(header.refusals.size(), 1U);
  EXPECT_EQ(header.refusals[0].kind, unsupported);
  EXPECT_EQ(header.refusals[0].message,
            "the volume is being reencrypted, which is not supported: finish that first, with "
            "'cryptsetup reencrypt --resume-only' (and --header, where the header is detached)");
  ASSERT_EQ(header.keyslots.size(), 2U);
  EXPECT_EQ(header.keyslots[1].type, "reencrypt");
  EXPECT_FALSE(header.keyslots[1].bound);
  EXPECT_EQ(header.segment.encryption, "aes-xts-plain64");
}

TEST(Luks2ReencryptionTest, EveryWayToSaySoIsRefused) {
  const Malformed table[] = {
      {"/config/requirements/mandatory", R"(["offline-reencrypt"])", unsupported,
       "with the cryptsetup-reencrypt that began it"},
      {"/config/requirements/mandatory", R"(["online-reencrypt-v9"])", unsupported,
       "is being reencrypted"},
      {"/segments/0/flags", R"(["in-reencryption"])", unsupported, "is being reencrypted"},
      {"half done", nullptr, unsupported, "is being reencrypted",
       [](json& m) {
         begin_reencryption(m);
         auto& segments = m["segments"];
         segments["3"] = segments["2"];
         segments["2"] = segments["1"];
         segments["3"]["encryption"] = "aes-cbc-essiv:sha256";
         segments["1"] = segments["0"];
         segments["0"]["size"] = "40960";
         segments["0"]["encryption"] = "aes-cbc-essiv:sha256";
         segments["0"]["flags"] = json::array({"in-reencryption"});
         segments["1"]["offset"] = "40960";
         segments["1"]["iv_tweak"] = "80";
         m["digests"]["0"]["segments"] = json::array({"0", "1", "2", "3"});
       }},
  };
  check(table);
}

TEST(Luks2ReencryptionTest, RefusesStatesThatContradictThemselves) {
  const Malformed table[] = {
      {"/config/requirements/mandatory", R"(["online-reencrypt-v2"])", damaged,
       "has no slot for it"},
      {"/config/requirements/mandatory", R"(["online-reencrypt", "online-reencrypt-v9"])", damaged,
       "config.requirements asks for online reencryption twice"},
      {"not required", nullptr, damaged, "nothing requires reencryption",
       [](json& m) {
         begin_reencryption(m);
         m["config"].erase("requirements");
       }},
      {"two slots", nullptr, damaged, "several slots for reencryption",
       [](json& m) {
         begin_reencryption(m);
         m["keyslots"]["2"] = m["keyslots"]["1"];
         m["keyslots"]["2"]["area"]["offset"] = "167936";
       }},
      {"no old segment", nullptr, damaged, "no backup-previous",
       [](json& m) {
         begin_reencryption(m);
         m["segments"]["1"]["flags"] = json::array({"backup-final"});
       }},
      {"no new segment", nullptr, damaged, "no backup-final",
       [](json& m) {
         begin_reencryption(m);
         m["segments"]["2"]["flags"] = json::array({"backup-previous"});
       }},
      {"another segment", nullptr, damaged, "segments.0 is neither as before",
       [](json& m) {
         begin_reencryption(m);
         m["segments"]["0"]["sector_size"] = 4096;
       }},
      {"an old segment said to be new", nullptr, damaged, "segments.0 is neither as before",
       [](json& m) {
         begin_reencryption(m);
         m["segments"]["0"]["flags"] = json::array({"in-reencryption"});
         m["segments"]["2"]["sector_size"] = 4096;
       }},
  };
  check(table);
}

void check_slot(const char* member, const json& value, const char* word) {
  SCOPED_TRACE(std::string(member) + " " + value.dump());
  expect_error(damaged, word, [&] {
    parse_changed([&](json& m) {
      begin_reencryption(m);
      m["keyslots"]["1"][json::json_pointer(member)] = value;
    });
  });
}

TEST(Luks2ReencryptionTest, RefusesWhatItsKeySlotMustNotSay) {
  check_slot("/key_size", 32, "keyslots.1.key_size is not 1");
  check_slot("/mode", "x", "keyslots.1.mode is not reencrypt, encrypt or decrypt");
  check_slot("/mode", nullptr, "keyslots.1.mode is not a string");
  check_slot("/direction", "up", "keyslots.1.direction is not forward or backward");
  check_slot("/area/type", "checksum", "keyslots.1.area.hash is missing");
  check_slot("/area/type", "datashift-checksum", "keyslots.1.area.hash is missing");
  check_slot("/area/type", "datashift", "keyslots.1.area.shift_size is missing");
  check_slot("/area/type", "datashift-journal", "keyslots.1.area.shift_size is missing");
  const json area = {
      {"type", "checksum"}, {"offset", "163840"}, {"size", "4096"}, {"hash", "sha256"}};
  for (const unsigned size : {0U, 256U, 768U}) {
    json odd = area;
    odd["sector_size"] = size;
    check_slot("/area", odd, "area.sector_size is not a power of two from 512");
  }
  for (const char* shift : {"0", "100"}) {
    json odd = area;
    odd["type"] = "datashift";
    odd["shift_size"] = shift;
    check_slot("/area", odd, "area.shift_size is not a multiple of 512 above 0");
  }
}

}  // namespace
}  // namespace luksdetached::luks
