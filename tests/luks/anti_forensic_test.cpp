#include "luks/anti_forensic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::pattern;
using luksdetached::testing::split_key;
using luksdetached::testing::to_hex;

SecureBuffer merge_stripes(std::span<const std::byte> split, std::size_t key_bytes,
                           std::uint32_t stripes, Hash hash) {
  StripeMerger merger(key_bytes, stripes, hash);
  merger.add(split);
  return std::move(merger).take();
}

// Byte n is n * 7 + 3 + n / 256; the merged keys were computed by another implementation, in Python
// with hashlib. The keys are longer and shorter than a digest and no multiples of it.
TEST(StripeMergerTest, KnownAnswersOfAnotherImplementation) {
  struct Row {
    Hash hash;
    std::size_t key_bytes;
    std::uint32_t stripes;
    std::string_view key;
  };
  const Row table[] = {
      {Hash::sha1, 16, 4000, "df428a0f0af36c4fc2ce9fbfdb02fc0c"},
      {Hash::sha1, 64, 5,
       "36991b19f06eb56769fad06085c2c1cc31df80521d689aa8af5a6367242db9eb"
       "e955f6d39127bcc3bff9f162fa2aa2e635d5c5293683a5050f58dd034096109e"},
      {Hash::sha256, 32, 4000, "841a0aed1e1926601524c081224569084f6085735902e203f86dbd9db4de25f0"},
      {Hash::sha256, 64, 4000,
       "43732f8175ebd901ece92cb1260f956f8c106e43e8a6c67bfb917dc04ad8fa3b"
       "acdfb41d45391138ec68ec8a133f54d97b62447ea76fa348c8f4a29456de6640"},
      {Hash::sha512, 64, 7,
       "03190da07b314db761187676139da4ff32555e156a9f5e7a9714da8750534a0d"
       "5adbae60f59e8b13aad031afdc5c89f964bb0d3117f3597622d39d914d5d067d"},
      {Hash::sha512, 32, 2, "8e9d4e738942c2a2ad41c83d204302f81634e5c444beff88f03837a14b67acd1"},
      {Hash::ripemd160, 48, 3,
       "54eec0b99c0e59e9c046138ffd5486228f5109281eec747a2eb14e22e79a1c0d"
       "5b75ad8b79c159eb32d05d0b86e83c57"},
  };
  for (const Row& row : table) {
    Bytes split(row.key_bytes * row.stripes);
    for (std::size_t n = 0; n < split.size(); ++n) {
      split[n] = static_cast<std::byte>(n * 7 + 3 + (n >> 8));
    }
    EXPECT_EQ(to_hex(merge_stripes(split, row.key_bytes, row.stripes, row.hash).span()), row.key)
        << hash_name(row.hash) << " " << row.key_bytes << " " << row.stripes;
  }
}

TEST(StripeMergerTest, GivesBackTheKeyThatWasSplit) {
  for (const Hash hash : {Hash::sha1, Hash::sha224, Hash::sha256, Hash::sha384, Hash::sha512,
                          Hash::ripemd160, Hash::whirlpool}) {
    for (const std::size_t key_bytes : {1U, 16U, 20U, 32U, 33U, 64U}) {
      const Bytes key = pattern(key_bytes, 42);
      const Bytes split = split_key(key, 11, hash);
      EXPECT_EQ(to_hex(merge_stripes(split, key_bytes, 11, hash).span()), to_hex(key))
          << hash_name(hash) << " " << key_bytes;
    }
  }
}

TEST(StripeMergerTest, OneStripeIsTheKeyItself) {
  const Bytes key = pattern(32);
  EXPECT_EQ(to_hex(merge_stripes(key, 32, 1, Hash::sha256).span()), to_hex(key));
}

TEST(StripeMergerTest, IgnoresWhatFillsTheLastSector) {
  const Bytes key = pattern(32);
  Bytes split = split_key(key, 3, Hash::sha256);
  split.resize(512, std::byte{0xee});
  EXPECT_EQ(to_hex(merge_stripes(split, 32, 3, Hash::sha256).span()), to_hex(key));
}

TEST(StripeMergerTest, EveryStripeCounts) {
  const Bytes key = pattern(32);
  const Bytes split = split_key(key, 5, Hash::sha256);
  for (std::size_t at = 7; at < split.size(); at += 32) {
    Bytes changed = split;
    changed[at] ^= std::byte{1};
    EXPECT_NE(to_hex(merge_stripes(changed, 32, 5, Hash::sha256).span()), to_hex(key)) << at;
  }
}

TEST(StripeMergerTest, PiecesOfAnySizeGiveTheSameKey) {
  const Bytes key = pattern(40, 9);
  const Bytes split = split_key(key, 50, Hash::sha256);
  for (const std::size_t size : {1U, 7U, 39U, 40U, 41U, 512U}) {
    StripeMerger merger(key.size(), 50, Hash::sha256);
    for (std::size_t at = 0; at < split.size(); at += size) {
      merger.add(std::span(split).subspan(at, std::min(size, split.size() - at)));
    }
    EXPECT_EQ(to_hex(std::move(merger).take().span()), to_hex(key)) << size;
  }
}

}  // namespace
}  // namespace luksdetached::luks
