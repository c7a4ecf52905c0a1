#include "server/header_text.h"

#include <gmock/gmock.h>

#include <string>

#include "sample_header.h"

namespace luksdetached {
namespace {

using luks::Header;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::sample_header;
using testing::sample_luks1_header;

std::string text(const Header& header) {
  return header_text("vm1.img", "0123abcd", header);
}

TEST(HeaderTextTest, AGoodHeaderFitsOnAScreen) {
  Header header = sample_header();
  header.label = "backup";
  header.flags = {"allow-discards", "no-read-workqueue"};
  header.tokens = {{3, "systemd-tpm2", {0, 1}}};
  header.keyslots[1].kdf.cost = luks::Argon2Kdf{Argon2Variant::i, {10, 65536, 1}};
  EXPECT_EQ(text(header), R"(vm1.img: a LUKS2 header that can be served

  UUID           5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11
  label          backup
  flags          allow-discards, no-read-workqueue
  metadata       two copies of 16 KiB
  primary        at byte 0, sequence 7: good, used
  secondary      at byte 16384, sequence 7: good
  key slot area  4 MiB, to byte 4227072
  SHA-256        0123abcd
  segment        aes-xts-plain64, key of 512 bits, sectors of 4096 bytes, from byte 0 to the end of the payload
  digest         pbkdf2 sha256, 1000 iterations

Key slots
  slot  state  priority  key       derivation                              area
  0     bound  normal    512 bits  argon2id, 4 passes over 1 GiB, 2 lanes  aes-xts-plain64, 512 bits, 250 KiB at byte 32768
  1     bound  normal    512 bits  argon2i, 10 passes over 64 MiB, 1 lane  aes-xts-plain64, 512 bits, 250 KiB at byte 290816

Tokens
  3  systemd-tpm2  for key slots 0, 1
)");
}

TEST(HeaderTextTest, Luks1HasNoCopies) {
  const std::string said = text(sample_luks1_header());
  EXPECT_THAT(said, HasSubstr("vm1.img: a LUKS1 header that can be served\n"));
  EXPECT_THAT(said, HasSubstr("  key slot area  to byte 4227072\n"));
  EXPECT_THAT(said, HasSubstr("pbkdf2 sha256, 2000000 iterations"));
  EXPECT_THAT(said, Not(HasSubstr("primary")));
  EXPECT_THAT(said, HasSubstr("\nWeak\n  LUKS1 has one copy"));
}

TEST(HeaderTextTest, WhatIsWrongComesBeforeWhatIsWeak) {
  Header header = sample_header();
  header.copies[1].problem = "its checksum does not match";
  header.warnings = {"the secondary copy is damaged"};
  header.keyslots[1].unusable = "hash 'md4' is not supported";
  header.keyslots[1].kdf.cost = luks::Pbkdf2Cost{};
  const std::string said = text(header);
  EXPECT_THAT(
      said,
      HasSubstr("secondary      at byte 16384, sequence 7: bad: its checksum does not match\n"));
  EXPECT_THAT(said, HasSubstr("512 bits  unknown "));
  EXPECT_THAT(said, HasSubstr("\nWrong\n"
                              "  the secondary copy is damaged\n"
                              "  key slot 1 cannot be tried: hash 'md4' is not supported\n"
                              "\nWeak\n"
                              "  key slot 0: the only one: "));
}

TEST(HeaderTextTest, ARefusedHeaderSaysWhyAtOnce) {
  Header header = sample_header();
  header.refusals = {{ErrorKind::policy, "a null cipher is no encryption"},
                     {ErrorKind::unsupported, "integrity is not supported"}};
  EXPECT_THAT(text(header), HasSubstr("vm1.img: a LUKS2 header that is refused:\n"
                                      "  against policy: a null cipher is no encryption\n"
                                      "  not supported: integrity is not supported\n"));
}

TEST(HeaderTextTest, AFixedSegmentAndOddStripes) {
  Header header = sample_header();
  header.segment.offset = 16 << 20;
  header.segment.size = 3 * 4096;
  header.keyslots[0].af_stripes = 8000;
  const std::string said = text(header);
  EXPECT_THAT(said, HasSubstr("bytes, 12 KiB from byte 16777216\n"));
  EXPECT_THAT(said, HasSubstr("at byte 32768, 8000 stripes\n"));
}

TEST(HeaderTextTest, AKeySlotOfAnUnknownKind) {
  Header header = sample_header();
  luks::Keyslot slot;
  slot.id = 4;
  slot.bound = false;
  slot.key_bytes = 1;
  slot.area_offset = 1 << 20;
  slot.area_bytes = 3 << 20;
  slot.unusable = "it is for reencryption and holds no key";
  header.keyslots.push_back(slot);
  const std::string said = text(header);
  EXPECT_THAT(said, HasSubstr("  4     unbound  normal    8 bits    unknown  "));
  EXPECT_THAT(said, HasSubstr("  unknown, 3 MiB at byte 1048576\n"));
  EXPECT_THAT(said, HasSubstr("\nWrong\n  key slot 4 cannot be tried: it is for reencryption"));
  EXPECT_THAT(said, Not(HasSubstr("Weak")));
}

TEST(HeaderTextTest, NothingSteersTheTerminalOrForgesALine) {
  const std::string hostile = "x\x1b[2J\r\n\x07\xc2\x9b\x80y";
  Header header = sample_header();
  header.uuid = header.label = header.subsystem = hostile;
  header.flags = header.warnings = {hostile};
  header.copies[1].problem = hostile;
  header.segment.encryption = header.keyslots[0].area_encryption = hostile;
  header.keyslots[0].unusable = hostile;
  header.tokens = {{0, hostile, {}}};
  header.refusals = {{ErrorKind::policy, hostile}};
  const std::string said = text(header);
  for (const char c : said) {
    const auto byte = static_cast<unsigned char>(c);
    EXPECT_TRUE(c == '\n' || (byte >= 0x20 && byte < 0x7f)) << int{byte};
  }
  EXPECT_THAT(said, HasSubstr("  label          x\\x1b[2J\\x0d\\x0a\\x07\\xc2\\x9b\\x80y\n"));
  header.uuid = header.label = header.subsystem = "x";
  header.flags = header.warnings = {"x"};
  header.copies[1].problem = header.segment.encryption = header.keyslots[0].area_encryption =
      header.keyslots[0].unusable = header.tokens[0].type = header.refusals[0].message = "x";
  const std::string harmless = text(header);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'),
            std::count(harmless.begin(), harmless.end(), '\n'));
}

}  // namespace
}  // namespace luksdetached
