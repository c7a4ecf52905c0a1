// What every AES-XTS kernel of our own must do. A kernel's test names it as a type with `have()`,
// `make` and `name`, and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "crypto/sector_cipher_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached::testing {

template <typename Kernel>
class AesXtsKernelTest : public ::testing::Test {
 protected:
  static std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                            std::size_t sector_size) {
    return Kernel::make(*find_iv_kind(parse_cipher_spec(spec).iv), key, sector_size);
  }
  void SetUp() override {
    if (!Kernel::have()) GTEST_SKIP() << "this CPU has not what " << Kernel::name << " needs";
  }
};

TYPED_TEST_SUITE_P(AesXtsKernelTest);

TYPED_TEST_P(AesXtsKernelTest, Ieee1619SectorsOf512) {
  check_ieee1619_sectors(this->make);
}

TYPED_TEST_P(AesXtsKernelTest, KnownAnswersOfIeee1619NistAndDmCrypt) {
  check_short_vectors(this->make, xts_short_vectors);
}

TYPED_TEST_P(AesXtsKernelTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  check_wrap_of_plain(this->make, 32, "aes-xts");
  check_wrap_of_plain(this->make, 64, "aes-xts");
}

TYPED_TEST_P(AesXtsKernelTest, TheIvCountsUnitsOf512InLargerSectors) {
  for (const std::size_t key_bytes : {32U, 64U}) {
    check_iv_units(this->make, "aes-xts-plain64", key_bytes);
    check_iv_units(this->make, "aes-xts-plain", key_bytes);
  }
}

TYPED_TEST_P(AesXtsKernelTest, AnyRunOfSectorsAnywhereInMemory) {
  for (const std::size_t key_bytes : {32U, 64U}) {
    check_all_shapes(this->make, "aes-xts-plain64", key_bytes);
  }
}

TYPED_TEST_P(AesXtsKernelTest, ManyThreadsShareOneCipher) {
  check_threads(this->make, "aes-xts-plain64", 64);
}

// The other implementation is the reference: random keys, lengths, sector sizes and numbers.
TYPED_TEST_P(AesXtsKernelTest, DoesTheSameAsCryptopp) {
  std::mt19937_64 random(20240607);  // NOLINT(cert-msc51-cpp): a failure must come again
  for (int round = 0; round < 120; ++round) {
    const std::size_t sector_size = std::size_t{512} << random() % 4;
    const CipherSpec spec{"aes", "xts", random() % 2 == 0 ? "plain" : "plain64", ""};
    const Bytes key = pattern(random() % 2 == 0 ? 32 : 64, random());
    const Bytes data = pattern(sector_size * (1 + random() % 40), random());
    const std::uint64_t sector = random() >> (random() % 64);
    SCOPED_TRACE(spec.text() + " round " + std::to_string(round));
    const auto ours = this->make(spec.text(), key, sector_size);
    const auto reference = make_cryptopp(spec.text(), key, sector_size);
    const Bytes ciphertext = encrypt(*reference, data, sector);
    ASSERT_EQ(encrypt(*ours, data, sector), ciphertext);
    ASSERT_EQ(decrypt(*ours, ciphertext, sector), data);
    ASSERT_EQ(decrypt(*reference, ciphertext, sector), data);
  }
}

TYPED_TEST_P(AesXtsKernelTest, SaysItsName) {
  EXPECT_EQ(this->make("aes-xts-plain64", pattern(32), 512)->kernel(), TypeParam::name);
  EXPECT_TRUE(this->make("aes-xts-plain64", pattern(32), 512)->constant_time());
}

TYPED_TEST_P(AesXtsKernelTest, WorksAfterItWasLockedAgain) {
  check_lock_again(this->make, "aes-xts-plain64", 64);
}

REGISTER_TYPED_TEST_SUITE_P(AesXtsKernelTest, Ieee1619SectorsOf512,
                            KnownAnswersOfIeee1619NistAndDmCrypt,
                            PlainWrapsAfter32BitsAndPlain64DoesNot,
                            TheIvCountsUnitsOf512InLargerSectors, AnyRunOfSectorsAnywhereInMemory,
                            ManyThreadsShareOneCipher, DoesTheSameAsCryptopp, SaysItsName,
                            WorksAfterItWasLockedAgain);

}  // namespace luksdetached::testing
