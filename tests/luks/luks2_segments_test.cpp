#include "luks/luks2_segments.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metadata_checks.h"

namespace luksdetached::luks {
namespace {

using namespace luksdetached::testing;  // NOLINT(google-build-using-namespace): tables of checks
using nlohmann::json;

TEST(Luks2SegmentsTest, SaysWhatTheSegmentIs) {
  const Segment segment = parse_changed([](json& m) {
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

TEST(Luks2SegmentsTest, ADynamicSegmentHasNoSize) {
  EXPECT_EQ(parse_changed([](json&) {}).segment.size, std::nullopt);
}

// Adds a segment 1 behind segment 0, which gets a size.
void add_segment_1(json& m) {
  m["segments"]["1"] = m["segments"]["0"];
  m["segments"]["1"]["offset"] = "1048576";
  m["segments"]["0"]["size"] = "1048576";
  m["digests"]["0"]["segments"] = json::array({"0", "1"});
}

TEST(Luks2SegmentsTest, AnAuthenticatedSegmentIsShownAndRefused) {
  const Header header = parse_changed([](json& m) {
    m["segments"]["0"]["encryption"] = "aes-gcm-random";
    m["segments"]["0"]["integrity"] = {
        {"type", "aead"}, {"journal_encryption", "none"}, {"journal_integrity", "none"}};
  });
  ASSERT_EQ(header.refusals.size(), 1U);
  EXPECT_EQ(header.refusals[0].kind, unsupported);
  EXPECT_EQ(header.refusals[0].message,
            "segments.0: authenticated encryption (integrity aead) is not supported: open the "
            "volume with cryptsetup, or copy its data to one without integrity");
  EXPECT_EQ(header.segment.encryption, "aes-gcm-random");
}

TEST(Luks2SegmentsTest, UnknownFlagsAreIgnored) {
  EXPECT_TRUE(parse_changed([](json& m) {
                m["segments"]["0"]["flags"] = json::array({"x"});
              }).refusals.empty());
}

TEST(Luks2SegmentsTest, RefusesWhatIsMissingOrOfAnotherType) {
  const Malformed table[] = {
      {"/segments", nullptr, damaged, "segments is missing"},
      {"/segments/0/type", nullptr, damaged, "segments.0.type is missing"},
      {"/segments/0/offset", nullptr, damaged, "segments.0.offset is missing"},
      {"/segments/0/size", nullptr, damaged, "segments.0.size is missing"},
      {"/segments/0/iv_tweak", nullptr, damaged, "segments.0.iv_tweak is missing"},
      {"/segments/0/encryption", nullptr, damaged, "segments.0.encryption is missing"},
      {"/segments/0/sector_size", nullptr, damaged, "segments.0.sector_size is missing"},
      {"/segments", R"("x")", damaged, "segments is not an object"},
      {"/segments/0", R"("x")", damaged, "segments.0 is not an object"},
      {"/segments/0/size", "512", damaged, "segments.0.size is not a string"},
      {"/segments/0/sector_size", R"("512")", damaged,
       "segments.0.sector_size is not a whole number"},
      {"/segments/0/iv_tweak", "0", damaged, "segments.0.iv_tweak is not a string"},
      {"/segments/0/flags", R"("backup")", damaged, "segments.0.flags is not an array"},
      {"/segments/0/flags", "[1]", damaged, "segments.0.flags[0] is not a string"},
      {"/segments/0/sector_size", "4294967808", damaged, "sector_size is not a whole number"},
      {"/segments/0/offset", R"("+0")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("-1")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("0x200")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"(" 0")", damaged, "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("18446744073709551616")", damaged,
       "segments.0.offset is not a decimal number"},
      {"/segments/0/offset", R"("")", damaged, "segments.0.offset is empty"},
      {"/segments/0/encryption", R"("aes\u001b[2J")", damaged, "not printable ASCII"},
      {"/segments/0/type", R"("crypt\u00e4")", damaged, "not printable ASCII"},
  };
  check(table);
}

TEST(Luks2SegmentsTest, RefusesWhatASegmentMustNotSay) {
  const Malformed table[] = {
      {"none", nullptr, damaged, "segments is empty",
       [](json& m) {
         m["segments"] = json::object();
         m["digests"]["0"]["segments"] = json::array();
       }},
      {"/segments/0/type", R"("linear")", unsupported, "segments.0: segment type 'linear'"},
      {"/segments/0/type", R"("future")", unsupported, "segment type 'future'"},
      {"/segments/0/integrity", "1", damaged, "segments.0.integrity is not an object"},
      {"/segments/0/integrity", R"({"type": "aead"})", damaged,
       "segments.0.integrity.journal_encryption is missing"},
      {"/segments/0/iv_tweak", R"("8")", unsupported, "iv_tweak is not 0"},
      {"/segments/0/offset", R"("513")", damaged, "segments.0.offset is not a multiple of 512"},
      {"/segments/0/offset", R"("4096")", damaged, "inside the header and its key slot area"},
      {"/segments/0/offset", R"("1048576")", damaged, "inside the header and its key slot area"},
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

TEST(Luks2SegmentsTest, RefusesSeveralSegments) {
  const Malformed table[] = {
      {"one behind the other", nullptr, unsupported, "several segments", add_segment_1},
      {"a gap in the numbers", nullptr, damaged, "segments.1 is missing",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["2"] = m["segments"]["1"];
         m["segments"].erase("1");
         m["digests"]["0"]["segments"] = json::array({"0", "2"});
       }},
      {"at one place", nullptr, damaged, "segments.0 and segments.1 overlap",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["1"]["offset"] = "0";
       }},
      {"sharing a sector", nullptr, damaged, "segments.0 and segments.1 overlap",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["1"]["offset"] = "1048064";
       }},
      {"in the other order", nullptr, unsupported, "several segments",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["0"]["offset"] = "1048576";
         m["segments"]["1"]["offset"] = "0";
         m["segments"]["1"]["size"] = "1048576";
       }},
      {"the first without a size", nullptr, damaged, "segments.0 has no size",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["0"]["size"] = "dynamic";
       }},
      {"an end beyond 2^64", nullptr, damaged, "goes beyond 2^64 bytes",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["1"]["size"] = "18446744073709551104";
       }},
      {"a backup alone", nullptr, damaged, "has only backups",
       [](json& m) { m["segments"]["0"]["flags"] = json::array({"backup-final"}); }},
      {"one behind a backup", nullptr, damaged, "segments.2 comes behind a backup",
       [](json& m) {
         add_segment_1(m);
         m["segments"]["2"] = m["segments"]["1"];
         m["segments"]["1"]["flags"] = json::array({"backup-final"});
         m["digests"]["0"]["segments"] = json::array({"0", "1", "2"});
       }},
  };
  check(table);
}

}  // namespace
}  // namespace luksdetached::luks
