#include <gtest/gtest.h>

#include <utility>

#include "crypto/sector_cipher_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::ShortVector;

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  return make_cryptopp_sector_cipher(parse_cipher_spec(spec), key, sector_size);
}

constexpr std::pair<std::string_view, std::size_t> kinds[] = {
    {"aes-xts-plain64", 32},   {"aes-xts-plain64", 64},      {"aes-xts-plain", 64},
    {"aes-xts-plain64be", 64}, {"aes-xts-essiv:sha256", 64}, {"aes-cbc-plain64", 16},
    {"aes-cbc-plain64", 24},   {"aes-cbc-plain64", 32},      {"aes-cbc-plain", 32},
    {"aes-cbc-plain64be", 32}, {"aes-cbc-essiv:sha256", 16}, {"aes-cbc-essiv:sha256", 32},
};

TEST(CryptoppSectorCipherTest, Ieee1619SectorsOf512) {
  testing::check_ieee1619_sectors(make);
}

TEST(CryptoppSectorCipherTest, XtsKnownAnswersOfIeee1619NistAndDmCrypt) {
  testing::check_short_vectors(make, testing::xts_short_vectors);
}

// NIST SP 800-38A, F.2.1, F.2.3 and F.2.5. The IV there is 00 01 … 0f, ours for sector 0 is 0: the
// first block of the plaintext has the difference added.
TEST(CryptoppSectorCipherTest, CbcKnownAnswersOfSp80038a) {
  constexpr std::string_view plaintext =
      "6bc0bce12a459991e134741a7f9e1925ae2d8a571e03ac9c9eb76fac45af8e51"
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
  const ShortVector table[] = {
      {"aes-cbc-plain64", "2b7e151628aed2a6abf7158809cf4f3c", 0, plaintext,
       "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
       "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
      {"aes-cbc-plain64", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", 0, plaintext,
       "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
       "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
      {"aes-cbc-plain64", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 0,
       plaintext,
       "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
       "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
  };
  testing::check_short_vectors(make, table);
}

// Sectors that Linux 6.1's dm-crypt wrote (the project's known-answer volumes
// l1-aes-cbc-essiv-sha256 and l1-aes-cbc-plain64).
TEST(CryptoppSectorCipherTest, CbcKnownAnswersOfDmCrypt) {
  constexpr std::string_view essiv_key =
      "ecec813b4cf636c4a03591c6c9a1d6e2f9568c37f217cad0be4ed3b693817145";
  constexpr std::string_view plain_key =
      "7cbb646f46a90566f28eb82aac5ca6bcea97acaa72303ddf74fc8e1b4bd56160";
  const ShortVector table[] = {
      {"aes-cbc-essiv:sha256", essiv_key, 0,
       "86e27e2befcd951d3c024a4224bb6df47acc29812c8758dc83775cc587dbdd0c",
       "777d3e5513725225cef9d6ea88a1a36471f342c1b93541a9195167fa51eaba3e"},
      {"aes-cbc-essiv:sha256", essiv_key, 7,
       "123d52177af50dadecf3a60e8a3e4b937a9236921fd8a8c0adf13e0750e73dc1",
       "34cb26d94dc588357f9b8be55257a0a2cd1b38233543fb64e3a230018ed05e52"},
      {"aes-cbc-essiv:sha256", essiv_key, 131,
       "51e07cc47da0cfe9f667aa0b523ab397e04452022c031456ba9df95bc265a647",
       "6473fdabe175af70d76a215e74c0554d4cdcaa9e3fa51882c375af0a56f19f02"},
      {"aes-cbc-plain64", plain_key, 1,
       "458afe4d4ec21fe7f8babe45caf7709ecbc0659e2e1736fb8841435c1a41758d",
       "17c155c51646069d887f44059a9fcc2b6b8511684f152e63ec7695fb17bce346"},
      {"aes-cbc-plain64", plain_key, 7,
       "c46cd8357c88d91849fff783eee8178e6df45bd1c25a1f8af99dd065425de0a3",
       "4f134080358c8704f0f225e4685f61f04ea2011460d62fcd1eb293906100e667"},
  };
  testing::check_short_vectors(make, table);
}

// Answers of OpenSSL 3 for sector 0x0123456789 and the bytes 0, 1, 2, …: the IV kinds that no
// published vector has. essiv hashes the whole key, with XTS both halves, as dm-crypt does.
TEST(CryptoppSectorCipherTest, KnownAnswersForTheOtherIvKinds) {
  constexpr std::string_view plaintext =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  constexpr std::string_view key_32 =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  constexpr std::string_view key_64 =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
  const ShortVector table[] = {
      {"aes-cbc-plain64be", key_32, 0x0123456789, plaintext,
       "08d9a04ba8513a08309f3a1d235f19e2a28a2b762ed3e7983c2da725199837d3"},
      {"aes-xts-plain64be", key_64, 0x0123456789, plaintext,
       "214d46c085b6e149b19db74a3fdf3f6532c4632effbe8be7f26f47a0fddecaf7"},
      {"aes-xts-essiv:sha256", key_64, 0x0123456789, plaintext,
       "a9ec0edf533a6860edd90628c52141603f054d0206e41f3b369f4056a8dbe0bf"},
  };
  testing::check_short_vectors(make, table);
}

TEST(CryptoppSectorCipherTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  testing::check_wrap_of_plain(make, 64, "xts");
  testing::check_wrap_of_plain(make, 32, "cbc");
}

TEST(CryptoppSectorCipherTest, TheIvCountsUnitsOf512InLargerSectors) {
  for (const auto& [spec, key_bytes] : kinds) testing::check_iv_units(make, spec, key_bytes);
}

TEST(CryptoppSectorCipherTest, AnyRunOfSectorsAnywhereInMemory) {
  for (const auto& [spec, key_bytes] : kinds) testing::check_all_shapes(make, spec, key_bytes);
}

TEST(CryptoppSectorCipherTest, ManyThreadsShareOneCipher) {
  testing::check_threads(make, "aes-xts-plain64", 64);
  testing::check_threads(make, "aes-cbc-essiv:sha256", 32);
}

TEST(CryptoppSectorCipherTest, SaysItsName) {
  EXPECT_EQ(make("aes-cbc-plain64", testing::pattern(32), 512)->kernel(), "cryptopp");
}

TEST(CryptoppSectorCipherTest, WorksAfterItWasLockedAgain) {
  const auto cipher = make("aes-cbc-essiv:sha256", testing::pattern(32), 512);
  const Bytes data = testing::pattern(512, 2);
  const Bytes before = testing::encrypt(*cipher, data, 1);
  cipher->lock_again();
  EXPECT_EQ(testing::encrypt(*cipher, data, 1), before);
}

}  // namespace
}  // namespace luksdetached
