#include "crypto/cipher_spec.h"

#include <gtest/gtest.h>

#include <string_view>
#include <tuple>

#include "../base/testing.h"

namespace luksdetached {
namespace {

TEST(CipherSpecTest, IsTakenApartAtDashesAndAColon) {
  const std::tuple<std::string_view, CipherSpec> table[] = {
      {"aes-xts-plain64", {"aes", "xts", "plain64", ""}},
      {"aes-cbc-essiv:sha256", {"aes", "cbc", "essiv", "sha256"}},
      {"serpent-xts-plain", {"serpent", "xts", "plain", ""}},
      {"cipher_null-ecb", {"cipher_null", "ecb", "", ""}},
      {"aes-lrw-benbi", {"aes", "lrw", "benbi", ""}},
      {"xchacha12,aes-adiantum-plain64", {"xchacha12,aes", "adiantum", "plain64", ""}},
      {"aes-cbc-essiv:a:b", {"aes", "cbc", "essiv", "a:b"}},
      {"aes-cbc-essiv-sha256", {"aes", "cbc", "essiv-sha256", ""}},
      {"aes-xts-", {"aes", "xts", "", ""}},
  };
  for (const auto& [text, spec] : table) EXPECT_EQ(parse_cipher_spec(text), spec) << text;
}

TEST(CipherSpecTest, TextIsWhatWasParsed) {
  for (const std::string_view text :
       {"aes-xts-plain64", "aes-cbc-essiv:sha256", "cipher_null-ecb", "aes-cbc-essiv:a:b"}) {
    EXPECT_EQ(parse_cipher_spec(text).text(), text);
  }
}

TEST(CipherSpecTest, TheNotationOfTheKernelsCryptoApiIsRefusedWithWhatToDo) {
  for (const std::string_view text :
       {"capi:xts(aes)-plain64", "capi:cbc(aes)-essiv:sha256", "capi:xts(serpent-generic)-plain64",
        "capi:adiantum(xchacha12,aes)-plain64", "capi:"}) {
    const auto parse = [&] { parse_cipher_spec(text); };
    testing::expect_error(ErrorKind::unsupported, "cipher '" + std::string(text) + "'", parse);
    testing::expect_error(ErrorKind::unsupported, "cryptsetup reencrypt", parse);
  }
}

TEST(CipherSpecTest, WhatHasNoCipherOrNoModeIsRefusedByName) {
  for (const std::string_view text :
       {"", "aes", "aes-", "-xts-plain64", "-", "aes--plain64", "--"}) {
    testing::expect_error(ErrorKind::unsupported, "cipher '" + std::string(text) + "'",
                          [&] { parse_cipher_spec(text); });
  }
}

}  // namespace
}  // namespace luksdetached
