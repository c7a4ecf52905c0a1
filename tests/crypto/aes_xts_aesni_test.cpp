#include <gtest/gtest.h>

#include <random>

#include "crypto/sector_cipher_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

using testing::Bytes;

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  return make_aes_xts_aesni(*find_iv_kind(parse_cipher_spec(spec).iv), key, sector_size);
}

class AesXtsAesniTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_aesni()) GTEST_SKIP() << "this CPU has no AES-NI";
  }
};

TEST_F(AesXtsAesniTest, Ieee1619SectorsOf512) {
  testing::check_ieee1619_sectors(make);
}

TEST_F(AesXtsAesniTest, KnownAnswersOfIeee1619NistAndDmCrypt) {
  testing::check_short_vectors(make, testing::xts_short_vectors);
}

TEST_F(AesXtsAesniTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  testing::check_wrap_of_plain(make, 32, "aes-xts");
  testing::check_wrap_of_plain(make, 64, "aes-xts");
}

TEST_F(AesXtsAesniTest, TheIvCountsUnitsOf512InLargerSectors) {
  for (const std::size_t key_bytes : {32U, 64U}) {
    testing::check_iv_units(make, "aes-xts-plain64", key_bytes);
    testing::check_iv_units(make, "aes-xts-plain", key_bytes);
  }
}

TEST_F(AesXtsAesniTest, AnyRunOfSectorsAnywhereInMemory) {
  for (const std::size_t key_bytes : {32U, 64U}) {
    testing::check_all_shapes(make, "aes-xts-plain64", key_bytes);
  }
}

TEST_F(AesXtsAesniTest, ManyThreadsShareOneCipher) {
  testing::check_threads(make, "aes-xts-plain64", 64);
}

// The other implementation is the reference: random keys, lengths, sector sizes and numbers.
TEST_F(AesXtsAesniTest, DoesTheSameAsCryptopp) {
  std::mt19937_64 random(20240607);  // NOLINT(cert-msc51-cpp): a failure must come again
  for (int round = 0; round < 120; ++round) {
    const std::size_t sector_size = std::size_t{512} << random() % 4;
    const CipherSpec spec{"aes", "xts", random() % 2 == 0 ? "plain" : "plain64", ""};
    const Bytes key = testing::pattern(random() % 2 == 0 ? 32 : 64, random());
    const Bytes data = testing::pattern(sector_size * (1 + random() % 17), random());
    const std::uint64_t sector = random() >> (random() % 64);
    SCOPED_TRACE(spec.text() + " round " + std::to_string(round));
    const auto ours = make(spec.text(), key, sector_size);
    const auto reference = testing::make_cryptopp(spec.text(), key, sector_size);
    const Bytes ciphertext = testing::encrypt(*reference, data, sector);
    ASSERT_EQ(testing::encrypt(*ours, data, sector), ciphertext);
    ASSERT_EQ(testing::decrypt(*ours, ciphertext, sector), data);
    ASSERT_EQ(testing::decrypt(*reference, ciphertext, sector), data);
  }
}

TEST_F(AesXtsAesniTest, SaysItsName) {
  EXPECT_EQ(make("aes-xts-plain64", testing::pattern(32), 512)->kernel(), "aes-ni");
  EXPECT_TRUE(make("aes-xts-plain64", testing::pattern(32), 512)->constant_time());
}

TEST_F(AesXtsAesniTest, WorksAfterItWasLockedAgain) {
  testing::check_lock_again(make, "aes-xts-plain64", 64);
}

}  // namespace
}  // namespace luksdetached
