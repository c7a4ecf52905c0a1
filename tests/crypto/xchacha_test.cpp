#include "crypto/xchacha.h"

#include <gtest/gtest.h>

#include <string_view>
#include <tuple>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::from_hex;
using testing::to_hex;

// The vectors of Adiantum's authors (github.com/google/adiantum, XChaCha12_32.json and
// XChaCha20_32.json, the first of each): blocks 0, 1 and 1023 of the keystream.
TEST(XChaChaTest, KnownAnswersOfAdiantumsAuthors) {
  const Bytes key = from_hex("8266851ec38621074f6f9e445e194d40147880fc21281e315d0b32dee24d8a1e");
  const Bytes nonce = from_hex("c7cfe494e56c8f8cdf2c69a53e9e595393ca92cdadee0259");
  const std::tuple<unsigned, std::size_t, std::string_view> table[] = {
      {12, 0,
       "e3a9ae210654bb5a0ae7a15c85b53e9abb0cf950e2f09789c5093562b0ffecdb"
       "2dac3aa06c90e6ac989ba24d78a96063991dbe8fe13426712cd74e28335c66a4"},
      {12, 1,
       "8da7c32259c934a84bc591f82974c58e43dcc4f2c20484e6e5a747d0ebe466fc"
       "d58d174fa65f96e8c1a64a4019788eac31f5bd558747102fbccbb5afc2f20993"},
      {12, 1023,
       "07d98990c16dd949ca3f3361099fa5d76b0adee980d2a2f4aa6d45edfdf5ff5b"
       "809c52d9ed44fa94650facd14a5983101b31fedf372f1bb0843fca725ca5d5f4"},
      {20, 0,
       "c6f639eb103120123ee20b6fc4aaf316072b71d90a9384252164725113634663"
       "d4c685361dd5ba0510815e15c2e1a930a642ff04b90862816d727c19a145dae1"},
      {20, 1,
       "a35393848124c9eb3db9d05bb642157ce032322e56d52b92bd4c0c466935cefa"
       "f55175ce5b5bdc65eec599b5759dc757a931f0e142387a375c9d81d753ffed74"},
      {20, 1023,
       "5f0b9d82eaa125cc7e1474332c36a94f8088585bf58a733b1441c54fc9f990aa"
       "3376b76c5684aae01f5ff4387b109fbff14d1f57e72a2c42c27ae00528acc15d"},
  };
  for (const auto& [rounds, block, answer] : table) {
    Bytes stream(std::size_t{1024} * 64);
    XChaCha(rounds, key, nonce).transform(stream, stream);
    EXPECT_EQ(to_hex(std::span(stream).subspan(block * 64, 64)), answer) << rounds << " " << block;
  }
}

TEST(XChaChaTest, APartOfABlockAndNothingAreLengthsToo) {
  const Bytes key = testing::pattern(32);
  const Bytes nonce = testing::pattern(24, 1);
  Bytes stream(200);
  XChaCha(12, key, nonce).transform(stream, stream);
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 199U}) {
    const Bytes zeros(size);
    Bytes part(size);
    XChaCha(12, key, nonce).transform(zeros, part);
    EXPECT_EQ(to_hex(part), to_hex(std::span(stream).first(size)));
  }
}

}  // namespace
}  // namespace luksdetached
