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
using luksdetached::testing::Luks1Image;
using luksdetached::testing::pattern;
using luksdetached::testing::put_be32;
using luksdetached::testing::put_text;
using luksdetached::testing::to_bytes;
using luksdetached::testing::to_hex;
namespace layout = luksdetached::testing::luks1;

constexpr std::string_view full_field = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static_assert(full_field.size() == 32);
constexpr std::uint64_t area_bytes = std::uint64_t{32} * 4000;  // 250 sectors
constexpr std::uint64_t area_step = std::uint64_t{256} * 512;   // what the builder gives each slot

TEST(Luks1HeaderTest, SaysWhatIsInTheFields) {
  Bytes image = Luks1Image().bytes;
  put_be32(image, layout::payload_offset, 4096);
  const Header header = parse_header(image);
  EXPECT_EQ(header.version, 1U);
  EXPECT_EQ(header.uuid, luksdetached::testing::header_uuid);
  EXPECT_EQ(header.segment.encryption, "aes-xts-plain64");
  EXPECT_EQ(header.segment.cipher.text(), "aes-xts-plain64");
  EXPECT_TRUE(header.refusals.empty());
  EXPECT_TRUE(header.copies.empty());
  EXPECT_EQ(header.segment.offset, 4096U * 512);
  EXPECT_EQ(header.segment.size, std::nullopt);
  EXPECT_EQ(header.segment.sector_size, 512U);
  EXPECT_EQ(header.digest.cost.hash, Hash::sha256);
  EXPECT_EQ(header.digest.cost.iterations, 2U);
  EXPECT_EQ(to_hex(header.digest.salt), to_hex(pattern(32, 5)));
  EXPECT_EQ(header.digest.digest.size(), 20U);
  EXPECT_TRUE(header.warnings.empty());
}

TEST(Luks1HeaderTest, SaysWhatIsInAKeySlot) {
  const Header header = parse_header(Luks1Image().bytes);
  ASSERT_EQ(header.keyslots.size(), 1U);
  const Keyslot& slot = header.keyslots[0];
  EXPECT_EQ(slot.id, 0U);
  EXPECT_EQ(slot.type, "luks1");
  EXPECT_EQ(slot.area_encryption, "aes-xts-plain64");
  EXPECT_TRUE(slot.bound);
  EXPECT_EQ(slot.priority, 1U);
  EXPECT_EQ(slot.key_bytes, 32U);
  EXPECT_EQ(std::get<Pbkdf2Cost>(slot.kdf.cost).hash, Hash::sha256);
  EXPECT_EQ(std::get<Pbkdf2Cost>(slot.kdf.cost).iterations, 3U);
  EXPECT_EQ(to_hex(slot.kdf.salt), to_hex(pattern(32, 100)));
  EXPECT_EQ(slot.af_hash, Hash::sha256);
  EXPECT_EQ(slot.af_stripes, 4000U);
  EXPECT_EQ(slot.area_cipher.text(), "aes-xts-plain64");
  EXPECT_EQ(slot.area_key_bytes, 32U);
  EXPECT_EQ(slot.area_offset, 4096U);
  EXPECT_EQ(slot.area_bytes, area_bytes);
  EXPECT_EQ(slot.unusable, "");
}

TEST(Luks1HeaderTest, OnlyEnabledSlotsAreKeySlots) {
  Bytes image = Luks1Image().bytes;
  put_be32(image, layout::slot(0) + layout::slot_active, layout::disabled);
  put_be32(image, layout::slot(2) + layout::slot_active, layout::enabled);
  put_be32(image, layout::slot(7) + layout::slot_active, layout::enabled);
  const Header header = parse_header(image);
  ASSERT_EQ(header.keyslots.size(), 2U);
  EXPECT_EQ(header.keyslots[0].id, 2U);
  EXPECT_EQ(header.keyslots[1].id, 7U);
  EXPECT_EQ(header.keyslots[1].area_offset, 4096 + 7 * area_step);
}

TEST(Luks1HeaderTest, TheHeaderEndsBehindTheAreasOfAllSlots) {
  const Header header = parse_header(Luks1Image().bytes);
  EXPECT_EQ(header.end, 4096 + 7 * area_step + area_bytes);
  EXPECT_EQ(header.key_material_end, header.end);
}

TEST(Luks1HeaderTest, CbcWithEssivIsTakenApart) {
  const Header header = parse_header(Luks1Image("aes", "cbc-essiv:sha256", 32).bytes);
  EXPECT_EQ(header.segment.cipher, (CipherSpec{"aes", "cbc", "essiv", "sha256"}));
}

TEST(Luks1HeaderTest, TheHashMayBeAnyThatIsKnown) {
  for (const std::string_view name : {"sha1", "sha512", "ripemd160", "whirlpool", "SHA256"}) {
    Bytes image = Luks1Image().bytes;
    std::fill_n(image.begin() + layout::hash_spec, 32, std::byte{0});
    put_text(image, layout::hash_spec, name);
    EXPECT_EQ(parse_header(image).digest.cost.hash, find_hash(name)) << name;
  }
}

TEST(Luks1HeaderTest, ADisabledSlotMayHaveNoIterations) {
  Bytes image = Luks1Image().bytes;
  put_be32(image, layout::slot(3) + layout::slot_iterations, 0);
  EXPECT_NO_THROW(parse_header(image));
}

TEST(Luks1HeaderTest, DataMayBeginWhereTheKeySlotsEnd) {
  Bytes image = Luks1Image().bytes;
  put_be32(image, layout::payload_offset, 8 + 7 * 256 + 250);
  EXPECT_NO_THROW(parse_header(image));
  put_be32(image, layout::payload_offset, 8 + 7 * 256 + 249);
  EXPECT_THROW(parse_header(image), Error);
}

struct Malformed {
  const char* name;
  std::function<void(Bytes&)> spoil;
  ErrorKind kind;
  const char* word;
};

void text_field(Bytes& image, std::size_t at, std::string_view text) {
  std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(at), 32, std::byte{0});
  put_text(image, at, text);
}

TEST(Luks1HeaderTest, RefusesWhatIsMalformed) {
  constexpr auto damaged = ErrorKind::header_damaged;
  const auto field = [](std::size_t at, std::uint32_t value) {
    return [=](Bytes& image) { put_be32(image, at, value); };
  };
  const auto text = [](std::size_t at, std::string_view value) {
    return [=](Bytes& image) { text_field(image, at, value); };
  };
  const auto cut = [](std::size_t size) { return [=](Bytes& image) { image.resize(size); }; };
  const auto slot = [](unsigned id, std::size_t at) { return layout::slot(id) + at; };
  const Malformed table[] = {
      // Truncated at every boundary of the structure.
      {"cut in the version", cut(7), damaged, "truncated"},
      {"cut before the cipher", cut(8), damaged, "there are 8"},
      {"cut in the cipher name", cut(20), damaged, "there are 20"},
      {"cut before the cipher mode", cut(40), damaged, "there are 40"},
      {"cut before the hash", cut(72), damaged, "there are 72"},
      {"cut before the payload offset", cut(104), damaged, "there are 104"},
      {"cut before key-bytes", cut(108), damaged, "there are 108"},
      {"cut before the digest", cut(112), damaged, "there are 112"},
      {"cut before the digest's salt", cut(132), damaged, "there are 132"},
      {"cut before the digest's iterations", cut(164), damaged, "there are 164"},
      {"cut before the uuid", cut(168), damaged, "there are 168"},
      {"cut before the key slots", cut(208), damaged, "there are 208"},
      {"cut before the last key slot", cut(544), damaged, "there are 544"},
      {"cut one byte before the end", cut(591), damaged, "592"},
      // Text fields.
      {"cipher-name without NUL", text(layout::cipher_name, full_field), damaged,
       "cipher-name has no end"},
      {"cipher-mode without NUL", text(layout::cipher_mode, full_field), damaged,
       "cipher-mode has no end"},
      {"hash-spec without NUL", text(layout::hash_spec, full_field), damaged,
       "hash-spec has no end"},
      {"uuid without NUL",
       [](Bytes& image) { put_text(image, layout::uuid, std::string(40, 'a')); }, damaged,
       "uuid has no end"},
      {"cipher-name with a high byte", text(layout::cipher_name, "\xe4s"), damaged,
       "cipher-name holds bytes that are not text"},
      {"cipher-mode with an escape", text(layout::cipher_mode, "xts-\x1b[2J"), damaged,
       "cipher-mode holds bytes that are not text"},
      {"hash-spec with a newline", text(layout::hash_spec, "sha256\n"), damaged,
       "hash-spec holds bytes that are not text"},
      {"uuid with DEL", text(layout::uuid, "\x7f"), damaged, "uuid holds bytes that are not text"},
      {"empty cipher-name", text(layout::cipher_name, ""), ErrorKind::unsupported,
       "cipher '-xts-plain64'"},
      {"empty cipher-mode", text(layout::cipher_mode, ""), ErrorKind::unsupported, "cipher 'aes-'"},
      {"empty hash-spec", text(layout::hash_spec, ""), ErrorKind::unsupported, "hash ''"},
      // What we do not have.
      {"unknown cipher", text(layout::cipher_name, "blowfish"), ErrorKind::unsupported, "blowfish"},
      {"unknown mode", text(layout::cipher_mode, "lrw-benbi"), ErrorKind::unsupported, "lrw"},
      {"unknown hash", text(layout::hash_spec, "md5"), ErrorKind::unsupported, "hash 'md5'"},
      {"cipher_null", text(layout::cipher_name, "cipher_null"), ErrorKind::policy,
       "does not encrypt"},
      // Numbers.
      {"no key-bytes", field(layout::key_bytes, 0), damaged, "key-bytes is 0"},
      {"key-bytes above the largest", field(layout::key_bytes, 513), damaged, "key-bytes is 513"},
      {"key-bytes all ones", field(layout::key_bytes, 0xffffffff), damaged, "4294967295"},
      {"a key too short for the cipher", field(layout::key_bytes, 16), damaged, "128 bits"},
      {"a key that is odd", field(layout::key_bytes, 33), damaged, "264 bits"},
      {"no digest iterations", field(layout::mk_digest_iterations, 0), damaged,
       "mk-digest-iterations is 0"},
      {"no slot iterations", field(slot(0, layout::slot_iterations), 0), damaged,
       "key slot 0 has 0 iterations"},
      {"an active field of garbage", field(slot(0, layout::slot_active), 0xdeadbeef), damaged,
       "key slot 0 is neither enabled nor disabled"},
      {"an active field of zeros", field(slot(5, layout::slot_active), 0), damaged,
       "key slot 5 is neither"},
      {"no slot enabled", field(slot(0, layout::slot_active), layout::disabled),
       ErrorKind::unsupported, "no key slot holds the volume's key"},
      {"no stripes", field(slot(0, layout::slot_stripes), 0), damaged, "key slot 0 has 0 stripes"},
      {"too few stripes", field(slot(0, layout::slot_stripes), 3999), damaged, "3999 stripes"},
      {"too many stripes in an unused slot", field(slot(6, layout::slot_stripes), 0xffffffff),
       damaged, "key slot 6 has 4294967295 stripes"},
      // Geometry.
      {"a slot at 0", field(slot(0, layout::slot_material), 0), damaged,
       "key slot 0 overlaps the header"},
      {"a slot in the header", field(slot(0, layout::slot_material), 1), damaged,
       "key slot 0 overlaps the header (it begins at byte 512)"},
      {"an unused slot in the header", field(slot(4, layout::slot_material), 1), damaged,
       "key slot 4 overlaps the header"},
      {"two slots at one place", field(slot(1, layout::slot_material), 8), damaged, "overlap"},
      {"a slot in the end of another", field(slot(1, layout::slot_material), 257), damaged,
       "key slot 0 and key slot 1 overlap"},
      {"unused slots that overlap", field(slot(7, layout::slot_material), 8 + 6 * 256 + 249),
       damaged, "key slot 6 and key slot 7 overlap"},
      {"a slot past the largest header", field(slot(7, layout::slot_material), 278528), damaged,
       "beyond the end of the largest header"},
      {"a slot past everything", field(slot(0, layout::slot_material), 0xffffffff), damaged,
       "key slot 0 ends at byte"},
      {"data inside a slot", field(layout::payload_offset, 2000), damaged,
       "key slot 7 overlaps the encrypted data"},
      {"data inside the header", field(layout::payload_offset, 1), damaged,
       "overlaps the encrypted data, which begin at byte 512"},
  };
  for (const Malformed& row : table) {
    SCOPED_TRACE(row.name);
    Bytes image = Luks1Image().bytes;
    row.spoil(image);
    expect_error(row.kind, row.word, [&] { check_servable(parse_header(image)); });
    if (row.kind != damaged) {
      EXPECT_NO_THROW(parse_header(image));
    }
  }
}

TEST(Luks1HeaderTest, WhatIsNotServedIsShownAllTheSame) {
  Bytes image = Luks1Image().bytes;
  text_field(image, layout::cipher_name, "rot13");
  text_field(image, layout::hash_spec, "nohash");
  const Header header = parse_header(image);
  ASSERT_EQ(header.refusals.size(), 2U);
  EXPECT_EQ(header.refusals[1].message, "hash 'nohash' is not supported");
  EXPECT_EQ(header.segment.encryption, "rot13-xts-plain64");
  ASSERT_EQ(header.keyslots.size(), 1U);
  EXPECT_EQ(header.keyslots[0].unusable, header.refusals[0].message);
  EXPECT_EQ(header.keyslots[0].area_bytes, area_bytes);
}

TEST(Luks1HeaderTest, DamageCountsMoreThanWhatIsNotSupported) {
  Bytes image = Luks1Image().bytes;
  text_field(image, layout::cipher_name, "rot13");
  text_field(image, layout::hash_spec, "nohash");
  put_be32(image, layout::slot(7) + layout::slot_stripes, 1);
  expect_error(ErrorKind::header_damaged, "key slot 7", [&] { parse_header(image); });
}

TEST(Luks1HeaderTest, MessagesHaveNoControlCharactersOfTheHeader) {
  for (const std::size_t at : {layout::cipher_name, layout::cipher_mode, layout::hash_spec}) {
    Bytes image = Luks1Image().bytes;
    text_field(image, at, "\x1b]0;x\x07");
    try {
      parse_header(image);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find_first_of("\x1b\x07"), std::string_view::npos);
    }
  }
}

}  // namespace
}  // namespace luksdetached::luks
