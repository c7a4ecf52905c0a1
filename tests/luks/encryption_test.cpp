#include "luks/encryption.h"

#include <gtest/gtest.h>

#include <string_view>

#include "../base/testing.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::expect_error;

TEST(EncryptionTest, OfAServedCipherThereAreItsParts) {
  const Encryption encryption = judge_encryption("aes-cbc-essiv:sha256", 32);
  EXPECT_EQ(encryption.cipher, (CipherSpec{"aes", "cbc", "essiv", "sha256"}));
  EXPECT_FALSE(encryption.refusal);
}

TEST(EncryptionTest, TheLengthOfTheKeyMayBeUnknown) {
  EXPECT_FALSE(judge_encryption("aes-xts-plain64", std::nullopt).refusal);
  EXPECT_TRUE(judge_encryption("cipher_null-ecb", std::nullopt).refusal);
}

TEST(EncryptionTest, EveryRefusalNamesTheCipher) {
  struct Row {
    std::string text;
    ErrorKind kind;
    const char* word;
  };
  const Row table[] = {
      {"rot13-xts-plain64", ErrorKind::unsupported, "rot13"},
      {"aes-xtx-plain64", ErrorKind::unsupported, "xtx"},
      {"aes-xts-plain65", ErrorKind::unsupported, "plain65"},
      {"aes", ErrorKind::unsupported, "'aes'"},
      {"capi:xts(aes)-plain64", ErrorKind::unsupported,
       "named for the kernel's crypto API, which is not supported: have cryptsetup reencrypt it"},
      {"cipher_null-ecb", ErrorKind::policy, "copy it to a volume that is encrypted"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.text);
    const Encryption encryption = judge_encryption(row.text, 32);
    ASSERT_TRUE(encryption.refusal);
    EXPECT_EQ(encryption.refusal->kind, row.kind);
    EXPECT_NE(encryption.refusal->message.find(row.word), std::string::npos)
        << encryption.refusal->message;
    EXPECT_NE(encryption.refusal->message.find("'" + row.text + "'"), std::string::npos);
  }
}

TEST(EncryptionTest, AKeyLengthThatTheCipherHasNotIsDamage) {
  expect_error(ErrorKind::header_damaged, "the LUKS header is damaged: a key of 248 bits",
               [] { judge_encryption("aes-xts-plain64", 31); });
}

}  // namespace
}  // namespace luksdetached::luks
