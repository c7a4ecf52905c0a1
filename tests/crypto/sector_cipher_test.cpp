#include "crypto/sector_cipher.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "crypto/aes_cbc_kernel.h"
#include "crypto/aes_xts_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  return make_sector_cipher(parse_cipher_spec(spec), key, sector_size);
}

TEST(CheckCipherTest, AcceptsEveryCipherWithEveryIvAndKeyLength) {
  const std::pair<std::string_view, std::vector<std::size_t>> table[] = {
      {"aes-xts-plain64", {32, 48, 64}},          {"aes-xts-plain", {32, 48, 64}},
      {"aes-xts-plain64be", {32, 48, 64}},        {"aes-xts-essiv:sha256", {32, 48, 64}},
      {"aes-cbc-plain64", {16, 24, 32}},          {"aes-cbc-plain", {16, 24, 32}},
      {"aes-cbc-plain64be", {16, 24, 32}},        {"aes-cbc-essiv:SHA256", {16, 24, 32}},
      {"aes-cbc-essiv:sha3-256", {16, 24, 32}},   {"aes-cbc-essiv:blake2s-128", {16, 24, 32}},
      {"serpent-xts-plain64", {32, 48, 64}},      {"serpent-cbc-essiv:sha256", {16, 24, 32}},
      {"twofish-xts-plain64", {32, 48, 64}},      {"twofish-cbc-plain", {16, 24, 32}},
      {"camellia-xts-plain64be", {32, 48, 64}},   {"camellia-cbc-essiv:sha256", {16, 24, 32}},
      {"cast5-cbc-plain64", {5, 10, 16}},         {"cast5-cbc-essiv:blake2s-128", {16}},
      {"cast6-xts-plain64", {32, 40, 64}},        {"cast6-cbc-plain64", {16, 20, 24, 28, 32}},
      {"xchacha12,aes-adiantum-plain64", {32}},   {"xchacha20,aes-adiantum-plain", {32}},
      {"xchacha20,aes-adiantum-plain64be", {32}},
  };
  for (const auto& [spec, lengths] : table) {
    for (const std::size_t key_bytes : lengths) {
      EXPECT_NO_THROW(check_cipher(parse_cipher_spec(spec), key_bytes)) << spec << " " << key_bytes;
    }
  }
}

TEST(CheckCipherTest, RefusesWhatItDoesNotHaveAndNamesIt) {
  const std::tuple<std::string_view, std::size_t, std::string_view> table[] = {
      {"blowfish-xts-plain64", 64, "block cipher 'blowfish'"},
      {"AES-xts-plain64", 64, "block cipher 'AES'"},
      {"aes:64-cbc-lmk", 32, "block cipher 'aes:64'"},
      {"xchacha8,aes-adiantum-plain64", 32, "block cipher 'xchacha8,aes'"},
      {"aes-adiantum-plain64", 32, "mode 'adiantum'"},
      {"xchacha12,aes-xts-plain64", 32, "only the mode adiantum"},
      {"xchacha12,aes-ecb", 32, "only the mode adiantum"},
      {"xchacha12,aes-adiantum-essiv:sha256", 32, "no essiv"},
      {"xchacha12,aes-adiantum-random", 32, "IV 'random' is not implemented"},
      {"aes-lrw-benbi", 32, "mode 'lrw'"},
      {"aes-cbc", 32, "IV ''"},
      {"aes-ctr-plain64", 32, "mode 'ctr'"},
      {"aes-gcm-random", 32, "mode 'gcm'"},
      {"aes-XTS-plain64", 64, "mode 'XTS'"},
      {"aes-xts", 64, "IV ''"},
      {"aes-xts-random", 64, "IV 'random' is not implemented"},
      {"aes-xts-benbi", 64, "IV 'benbi' is not implemented"},
      {"aes-cbc-lmk", 32, "IV 'lmk' is not implemented"},
      {"aes-cbc-tcw", 32, "IV 'tcw' is not implemented"},
      {"aes-cbc-eboiv", 32, "IV 'eboiv' is not implemented"},
      {"aes-cbc-elephant", 32, "IV 'elephant' is not implemented"},
      {"aes-xts-null", 64, "IV 'null' is not implemented"},
      {"aes-xts-plain65", 64, "IV 'plain65' is unknown"},
      {"aes-xts-plain64:sha256", 64, "takes no option"},
      {"aes-cbc-essiv", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:md9", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:sha1", 32, "essiv needs a hash"},
      {"aes-cbc-essiv:sha512", 32, "essiv needs a hash"},
      {"cast5-cbc-essiv:sha256", 16, "a key of 'cast5'"},
      {"cast5-xts-plain64", 32, "blocks of 128 bits"},
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

TEST(CheckCipherTest, RefusesEcbAsAMatterOfPolicy) {
  for (const std::string_view spec : {"aes-ecb", "serpent-ecb", "aes-ecb-plain64"}) {
    testing::expect_error(ErrorKind::policy, "shows patterns",
                          [&] { check_cipher(parse_cipher_spec(spec), 32); });
  }
}

TEST(CheckCipherTest, RefusesKeysThatTheCipherDoesNotHave) {
  const std::tuple<std::string_view, std::size_t, std::string_view> table[] = {
      {"aes-xts-plain64", 0, "0 bits"},
      {"aes-xts-plain64", 16, "128 bits"},
      {"aes-xts-plain64", 31, "248 bits"},
      {"aes-xts-plain64", 33, "264 bits"},
      {"aes-xts-plain64", 49, "392 bits"},
      {"aes-xts-plain64", 128, "1024 bits"},
      {"aes-cbc-plain64", 0, "0 bits"},
      {"aes-cbc-plain64", 8, "64 bits"},
      {"aes-cbc-plain64", 64, "512 bits"},
      {"aes-cbc-essiv:sha256", 20, "160 bits"},
      {"serpent-cbc-plain64", 20, "160 bits"},
      {"twofish-xts-plain64", 40, "320 bits"},
      {"cast5-cbc-plain64", 4, "32 bits"},
      {"cast5-cbc-plain64", 17, "136 bits"},
      {"cast6-cbc-plain64", 18, "144 bits"},
      {"xchacha12,aes-adiantum-plain64", 16, "128 bits"},
      {"xchacha12,aes-adiantum-plain64", 64, "512 bits"},
  };
  for (const auto& [spec, key_bytes, word] : table) {
    SCOPED_TRACE(std::string(spec) + " " + std::to_string(key_bytes));
    testing::expect_error(ErrorKind::header_damaged, word, [&, &name = spec, &bytes = key_bytes] {
      check_cipher(parse_cipher_spec(name), bytes);
    });
  }
}

TEST(CheckCipherTest, TheKeyMayBeLeftOut) {
  EXPECT_NO_THROW(check_cipher(parse_cipher_spec("aes-xts-plain64")));
  testing::expect_error(ErrorKind::unsupported, "rot13",
                        [] { check_cipher(parse_cipher_spec("rot13-xts-plain64")); });
  testing::expect_error(ErrorKind::policy, "shows patterns",
                        [] { check_cipher(parse_cipher_spec("aes-ecb")); });
}

// The names that this build supports, with a hash where one belongs, and a key that they have.
std::vector<std::pair<std::string, std::size_t>> supported() {
  std::vector<std::pair<std::string, std::size_t>> list;
  std::istringstream names(supported_ciphers());
  for (std::string name; names >> name;) {
    const bool small = name.starts_with("cast5");
    const std::size_t at = name.find("HASH");
    if (at != std::string::npos) name.replace(at, 4, small ? "blake2s-128" : "sha256");
    list.emplace_back(name, small ? 16 : 32);
  }
  return list;
}

TEST(CheckCipherTest, EveryNameInTheListOfSupportedCiphersIsAccepted) {
  const auto list = supported();
  for (const auto& [name, key_bytes] : list) {
    EXPECT_NO_THROW(check_cipher(parse_cipher_spec(name), key_bytes)) << name;
  }
  EXPECT_EQ(list.size(),
            50U);  // five ciphers with two modes, one with cbc alone, four IVs; adiantum
}

TEST(SectorCipherTest, AesXtsUsesTheKernelThatIsSaidToBeUsed) {
  const std::string_view used = aes_xts_kernel() != nullptr ? aes_xts_kernel()->name : "cryptopp";
  EXPECT_EQ(make("aes-xts-plain64", testing::pattern(64), 512)->kernel(), used);
  EXPECT_EQ(make("aes-xts-plain", testing::pattern(32), 512)->kernel(), used);
}

TEST(SectorCipherTest, AesCbcUsesItsKernelWhateverTheIvAndTheKey) {
  for (const std::string_view spec :
       {"aes-cbc-plain64", "aes-cbc-plain", "aes-cbc-plain64be", "aes-cbc-essiv:sha256"}) {
    for (const std::size_t key_bytes : {16U, 24U, 32U}) {
      EXPECT_EQ(make(spec, testing::pattern(key_bytes), 512)->kernel(),
                uses_aes_cbc_aesni() ? "aes-ni" : "cryptopp")
          << spec << " " << key_bytes;
    }
  }
}

TEST(SectorCipherTest, WhatTheFastKernelHasNotGoesToCryptopp) {
  for (const std::string_view spec : {"aes-xts-plain64be", "aes-xts-essiv:sha256",
                                      "serpent-xts-plain64", "twofish-cbc-plain64"}) {
    EXPECT_EQ(make(spec, testing::pattern(32), 512)->kernel(), "cryptopp") << spec;
  }
  EXPECT_EQ(make("aes-xts-plain64", testing::pattern(48), 512)->kernel(), "cryptopp");
}

TEST(SectorCipherTest, WhicheverKernelIsChosenGivesTheKnownAnswers) {
  testing::check_ieee1619_sectors(make);
  testing::check_short_vectors(make, testing::xts_short_vectors);
  testing::check_short_vectors(make, testing::aes_cbc_short_vectors);
}

TEST(SectorCipherTest, EveryCipherThatIsAcceptedRestoresWhatItEncrypts) {
  const testing::Bytes data = testing::pattern(4096, 9);
  for (const auto& [spec, key_bytes] : supported()) {
    const auto cipher = make(spec, testing::pattern(key_bytes), 2048);
    const testing::Bytes ciphertext = testing::encrypt(*cipher, data, 77);
    EXPECT_NE(ciphertext, data) << spec;
    EXPECT_EQ(testing::decrypt(*cipher, ciphertext, 77), data) << spec;
  }
}

}  // namespace
}  // namespace luksdetached
