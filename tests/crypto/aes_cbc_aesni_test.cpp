#include <gtest/gtest.h>

#include <random>
#include <string>

#include "crypto/sector_cipher_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::pattern;

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  return make_aes_cbc_aesni(parse_cipher_spec(spec), key, sector_size);
}

// The hashes make keys of both lengths that digests have: no hash makes one of 24 bytes.
constexpr std::string_view specs[] = {"aes-cbc-plain64", "aes-cbc-plain", "aes-cbc-plain64be",
                                      "aes-cbc-essiv:sha256", "aes-cbc-essiv:blake2s-128"};
constexpr std::size_t key_sizes[] = {16, 24, 32};

class AesCbcAesniTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_aesni()) GTEST_SKIP() << "this CPU has not what aes-ni needs";
  }
};

TEST_F(AesCbcAesniTest, KnownAnswersOfNistDmCryptAndOtherLibraries) {
  testing::check_short_vectors(make, testing::aes_cbc_short_vectors);
}

TEST_F(AesCbcAesniTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  testing::check_wrap_of_plain(make, 32, "aes-cbc");
}

TEST_F(AesCbcAesniTest, TheIvCountsUnitsOf512InLargerSectors) {
  for (const std::string_view spec : specs) testing::check_iv_units(make, spec, 32);
}

TEST_F(AesCbcAesniTest, AnyRunOfSectorsAnywhereInMemory) {
  for (const std::string_view spec : specs) {
    for (const std::size_t key_bytes : key_sizes) testing::check_all_shapes(make, spec, key_bytes);
  }
}

TEST_F(AesCbcAesniTest, ManyThreadsShareOneCipher) {
  testing::check_threads(make, "aes-cbc-essiv:sha256", 32);
}

// The other implementation is the reference: random keys, lengths, sector sizes and numbers, in
// place and not.
TEST_F(AesCbcAesniTest, DoesTheSameAsCryptopp) {
  std::mt19937_64 random(20240608);  // NOLINT(cert-msc51-cpp): a failure must come again
  for (int round = 0; round < 300; ++round) {
    const std::string_view spec = specs[random() % std::size(specs)];
    const std::size_t sector_size = std::size_t{512} << random() % 4;
    const Bytes key = pattern(key_sizes[random() % std::size(key_sizes)], random());
    const Bytes data = pattern(sector_size * (1 + random() % 20), random());
    const std::uint64_t sector = random() >> (random() % 64);
    SCOPED_TRACE(std::string(spec) + " round " + std::to_string(round));
    const auto ours = make(spec, key, sector_size);
    const auto reference = testing::make_cryptopp(spec, key, sector_size);
    const Bytes ciphertext = testing::encrypt(*reference, data, sector);
    ASSERT_EQ(testing::encrypt(*ours, data, sector), ciphertext);
    ASSERT_EQ(testing::decrypt(*ours, ciphertext, sector), data);
    Bytes place = data;
    ours->encrypt(place, place, sector);
    ASSERT_EQ(place, ciphertext);
    ours->decrypt(place, place, sector);
    ASSERT_EQ(place, data);
  }
}

TEST_F(AesCbcAesniTest, SaysItsName) {
  const auto cipher = make("aes-cbc-plain64", pattern(32), 512);
  EXPECT_EQ(cipher->kernel(), "aes-ni");
  EXPECT_TRUE(cipher->constant_time());
}

TEST_F(AesCbcAesniTest, WorksAfterItWasLockedAgain) {
  testing::check_lock_again(make, "aes-cbc-essiv:sha256", 32);
}

}  // namespace
}  // namespace luksdetached
