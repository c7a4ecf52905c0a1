#include "crypto/sector_cipher.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  return make_sector_cipher(parse_cipher_spec(spec), key, sector_size);
}

TEST(CheckCipherTest, AcceptsAesWithEveryIvAndKeyLength) {
  const std::pair<std::string_view, std::size_t> table[] = {
      {"aes-xts-plain64", 32},   {"aes-xts-plain64", 64},      {"aes-xts-plain", 32},
      {"aes-xts-plain64be", 64}, {"aes-xts-essiv:sha256", 64}, {"aes-cbc-plain64", 16},
      {"aes-cbc-plain64", 24},   {"aes-cbc-plain64", 32},      {"aes-cbc-plain", 16},
      {"aes-cbc-plain64be", 32}, {"aes-cbc-essiv:sha256", 16}, {"aes-cbc-essiv:SHA256", 32},
  };
  for (const auto& [spec, key_bytes] : table) {
    EXPECT_NO_THROW(check_cipher(parse_cipher_spec(spec), key_bytes)) << spec << " " << key_bytes;
  }
}

TEST(CheckCipherTest, RefusesWhatItDoesNotHaveAndNamesIt) {
  const std::tuple<std::string_view, std::size_t, std::string_view> table[] = {
      {"serpent-xts-plain64", 64, "block cipher 'serpent'"},
      {"AES-xts-plain64", 64, "block cipher 'AES'"},
      {"xchacha12,aes-adiantum-plain64", 32, "block cipher 'xchacha12,aes'"},
      {"aes-lrw-benbi", 32, "mode 'lrw'"},
      {"aes-ecb", 32, "mode 'ecb'"},
      {"aes-cbc", 32, "IV ''"},
      {"aes-ctr-plain64", 32, "mode 'ctr'"},
      {"aes-gcm-random", 32, "mode 'gcm'"},
      {"aes-XTS-plain64", 64, "mode 'XTS'"},
      {"aes-xts", 64, "IV ''"},
      {"aes-xts-random", 64, "IV 'random'"},
      {"aes-xts-benbi", 64, "IV 'benbi'"},
      {"aes-xts-null", 64, "IV 'null'"},
      {"aes-xts-plain64:sha256", 64, "takes no option"},
      {"aes-cbc-essiv", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:md9", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:sha1", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:sha512", 32, "essiv needs a hash"},
  };
  for (const auto& [spec, key_bytes, word] : table) {
    SCOPED_TRACE(spec);
    const auto check = [&, &name = spec, &bytes = key_bytes] {
      check_cipher(parse_cipher_spec(name), bytes);
    };
    testing::expect_error(ErrorKind::unsupported, word, check);
    testing::expect_error(ErrorKind::unsupported, "cipher '" + parse_cipher_spec(spec).text() + "'",
                          check);
  }
}

TEST(CheckCipherTest, RefusesCiphersThatDoNotEncryptAsAMatterOfPolicy) {
  for (const std::string_view spec :
       {"cipher_null-ecb", "null-ecb", "cipher_null-cbc-plain64", "cipher_null-xts-plain64"}) {
    testing::expect_error(ErrorKind::policy, "does not encrypt at all",
                          [&] { check_cipher(parse_cipher_spec(spec), 32); });
  }
}

TEST(CheckCipherTest, RefusesKeysThatTheCipherDoesNotHave) {
  const std::tuple<std::string_view, std::size_t, std::string_view> table[] = {
      {"aes-xts-plain64", 0, "0 bits"},    {"aes-xts-plain64", 16, "128 bits"},
      {"aes-xts-plain64", 31, "248 bits"}, {"aes-xts-plain64", 33, "264 bits"},
      {"aes-xts-plain64", 48, "384 bits"}, {"aes-xts-plain64", 128, "1024 bits"},
      {"aes-cbc-plain64", 0, "0 bits"},    {"aes-cbc-plain64", 8, "64 bits"},
      {"aes-cbc-plain64", 64, "512 bits"}, {"aes-cbc-essiv:sha256", 20, "160 bits"},
  };
  for (const auto& [spec, key_bytes, word] : table) {
    SCOPED_TRACE(std::string(spec) + " " + std::to_string(key_bytes));
    testing::expect_error(ErrorKind::header_damaged, word, [&, &name = spec, &bytes = key_bytes] {
      check_cipher(parse_cipher_spec(name), bytes);
    });
  }
}

TEST(CheckCipherTest, EveryNameInTheListOfSupportedCiphersIsAccepted) {
  std::istringstream names(supported_ciphers());
  int count = 0;
  for (std::string name; names >> name; ++count) {
    const std::size_t at = name.find("HASH");
    if (at != std::string::npos) name.replace(at, 4, "sha256");
    EXPECT_NO_THROW(check_cipher(parse_cipher_spec(name), 32)) << name;
  }
  EXPECT_GE(count, 8);
}

TEST(SectorCipherTest, AesXtsUsesTheKernelThatIsSaidToBeUsed) {
  EXPECT_EQ(aes_xts_kernel(), have_aesni() ? "aes-ni" : "cryptopp");
  EXPECT_EQ(make("aes-xts-plain64", testing::pattern(64), 512)->kernel(), aes_xts_kernel());
  EXPECT_EQ(make("aes-xts-plain", testing::pattern(32), 512)->kernel(), aes_xts_kernel());
}

TEST(SectorCipherTest, WhatTheFastKernelHasNotGoesToCryptopp) {
  for (const std::string_view spec :
       {"aes-xts-plain64be", "aes-xts-essiv:sha256", "aes-cbc-plain64", "aes-cbc-essiv:sha256"}) {
    EXPECT_EQ(make(spec, testing::pattern(32), 512)->kernel(), "cryptopp") << spec;
  }
}

TEST(SectorCipherTest, WhicheverKernelIsChosenGivesTheKnownAnswers) {
  testing::check_ieee1619_sectors(make);
  testing::check_short_vectors(make, testing::xts_short_vectors);
}

TEST(SectorCipherTest, EveryCipherThatIsAcceptedRestoresWhatItEncrypts) {
  const std::pair<std::string_view, std::size_t> table[] = {
      {"aes-xts-plain64", 32},      {"aes-xts-plain", 64},        {"aes-xts-plain64be", 32},
      {"aes-xts-essiv:sha256", 32}, {"aes-cbc-plain64", 24},      {"aes-cbc-plain", 16},
      {"aes-cbc-plain64be", 32},    {"aes-cbc-essiv:sha256", 32},
  };
  const testing::Bytes data = testing::pattern(4096, 9);
  for (const auto& [spec, key_bytes] : table) {
    const auto cipher = make(spec, testing::pattern(key_bytes), 2048);
    const testing::Bytes ciphertext = testing::encrypt(*cipher, data, 77);
    EXPECT_NE(ciphertext, data) << spec;
    EXPECT_EQ(testing::decrypt(*cipher, ciphertext, 77), data) << spec;
  }
}

}  // namespace
}  // namespace luksdetached
