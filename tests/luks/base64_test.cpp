#include "luks/base64.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::to_base64;
using luksdetached::testing::to_bytes;

// RFC 4648, section 10.
TEST(Base64Test, Rfc4648KnownAnswers) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", ""},
      {"Zg==", "f"},
      {"Zm8=", "fo"},
      {"Zm9v", "foo"},
      {"Zm9vYg==", "foob"},
      {"Zm9vYmE=", "fooba"},
      {"Zm9vYmFy", "foobar"},
  };
  for (const auto& [text, bytes] : table) EXPECT_EQ(decode_base64(text), to_bytes(bytes)) << text;
}

TEST(Base64Test, AllByteValuesOfAllLengths) {
  Bytes bytes;
  for (unsigned n = 0; n < 256; ++n) {
    EXPECT_EQ(decode_base64(to_base64(bytes)), bytes) << n;
    bytes.push_back(static_cast<std::byte>(255 - n));
  }
}

TEST(Base64Test, WhatNoEncoderWritesIsRefused) {
  for (const std::string_view text :
       {"Z",        "Zg",   "Zg=",    "Zg===",  "Zm9",    "Zm8",      "=",     "==",         "====",
        "Zg==Zg==", "Z=g=", "=Zg=",   "Zm9v\n", "\nZm9v", "Zm 9v",    "Zm9v ", "Zm9vYg==\n", "Zm9-",
        "Zm9_",     "Zm9!", "Zm9v\t", "Zh==",   "Zm9=",   "Zm9v====", "Zm9v=", "Zm9\x80"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
  EXPECT_EQ(decode_base64(std::string_view("Zm9v\0", 5)), std::nullopt);
}

}  // namespace
}  // namespace luksdetached::luks
