#include "crypto/adiantum.h"

#include <gtest/gtest.h>

#include <string_view>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::from_hex;
using testing::to_hex;

struct KnownAnswer {
  unsigned rounds;
  std::string_view key, tweak, plaintext, ciphertext;
};

// The vectors of Adiantum's authors (github.com/google/adiantum, Adiantum_XChaCha12_32_AES256.json
// and Adiantum_XChaCha20_32_AES256.json): for each length the first with a tweak of 32 bytes.
TEST(AdiantumTest, KnownAnswersOfItsAuthors) {
  const KnownAnswer table[] = {
      {12, "9eebb2493c1cf5f46a99c2c4dfb1f4dd752057ea2c4fcdb2a53d7b491eabfd0f",
       "df63d4abd249f3d8338137607dfa7308d8496d80e82f6254eb0ea9395b457f8a",
       "67c9f23084418e43fbf3b33e79367fe8", "6d32861867860f3f967c9d280d53ec9f"},
      {20, "9eebb2493c1cf5f46a99c2c4dfb1f4dd752057ea2c4fcdb2a53d7b491eabfd0f",
       "df63d4abd249f3d8338137607dfa7308d8496d80e82f6254eb0ea9395b457f8a",
       "67c9f23084418e43fbf3b33e79367fe8", "f67897d6aa9401272e4d83e06e649adf"},
      {12, "a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
       "a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
       "69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011"
       "a0a3db0d544f6669d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7"
       "638ff2f077f1a8eae1b71f9eab9e4b3f07875b6fcda8afb9fa700b52b8a8a79e"
       "075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a5665c5542328b003",
       "9e16abed4ba7425ac6fb4e76ffbe03a00fe3adbae4982b0e2148a0b865482748"
       "845454b29a947be64b29e9cf0591801a3af34196851d9f74515663fa7c288549"
       "f72ff9f21846f53380a33cceb25793f5aebda9f57b30c49366e0307716e4a031"
       "ba70bc6813f5b09ac1fc7efe55805c4874a6aaa3acdcc2f58dde34867860758d"},
      {20, "a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
       "a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
       "69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011"
       "a0a3db0d544f6669d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7"
       "638ff2f077f1a8eae1b71f9eab9e4b3f07875b6fcda8afb9fa700b52b8a8a79e"
       "075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a5665c5542328b003",
       "b18ba00577a84d591b8e21fc3a49fad4eb36f3c4dfdcae67073f700ee966f50c"
       "304d66c9a42f739c13c84944cc0a909d7cdd193fea728d58abe7092cecb544d2"
       "caa62d7a5c9c2b15ec2aa66991f9f313f772c1c140d5e194f429a13e2502a83e"
       "94c19114a114cbbe674cb938fea7aa3229620db2f63c5857c1d55abbd6a62ae5"},
  };
  for (const KnownAnswer& row : table) {
    const Adiantum adiantum(row.rounds, from_hex(row.key));
    Bytes message = from_hex(row.plaintext);
    adiantum.encrypt(from_hex(row.tweak), message, message);
    EXPECT_EQ(to_hex(message), row.ciphertext) << row.rounds;
    adiantum.decrypt(from_hex(row.tweak), message, message);
    EXPECT_EQ(to_hex(message), row.plaintext) << row.rounds;
  }
}

// Whichever bit changes, all of the message becomes another.
TEST(AdiantumTest, EveryBlockDependsOnEveryBitOfMessageAndTweak) {
  const Adiantum adiantum(12, testing::pattern(Adiantum::key_bytes));
  const Bytes message = testing::pattern(4096, 1);
  const Bytes tweak = testing::pattern(Adiantum::tweak_bytes, 2);
  const auto encrypted = [&](const Bytes& the_tweak, const Bytes& the_message) {
    Bytes ciphertext(the_message.size());
    adiantum.encrypt(the_tweak, the_message, ciphertext);
    return ciphertext;
  };
  const Bytes before = encrypted(tweak, message);
  const auto expect_all_blocks_differ = [&](const Bytes& after, std::size_t at) {
    for (std::size_t n = 0; n < before.size(); n += 16) {
      EXPECT_NE(to_hex(std::span(before).subspan(n, 16)), to_hex(std::span(after).subspan(n, 16)))
          << "block at " << n << ", changed at " << at;
    }
  };
  for (const std::size_t at : {0U, 15U, 1023U, 1024U, 3000U, 4079U, 4080U, 4095U}) {
    Bytes other = message;
    other[at] ^= std::byte{0x80};
    expect_all_blocks_differ(encrypted(tweak, other), at);
  }
  for (std::size_t at = 0; at < tweak.size(); ++at) {
    Bytes other = tweak;
    other[at] ^= std::byte{0x01};
    expect_all_blocks_differ(encrypted(other, message), at);
  }
}

}  // namespace
}  // namespace luksdetached
