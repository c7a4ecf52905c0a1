#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::to_bytes;
using testing::to_hex;

constexpr Hash all_hashes[] = {Hash::sha1,   Hash::sha224,    Hash::sha256,   Hash::sha384,
                               Hash::sha512, Hash::ripemd160, Hash::whirlpool};

Bytes digest(Hash hash, std::string_view message) {
  Bytes result(digest_size(hash));
  const Bytes bytes = to_bytes(message);
  const std::span<const std::byte> parts[] = {bytes};
  hash_bytes(hash, parts, result);
  return result;
}

struct KnownAnswer {
  Hash hash;
  std::string_view message;
  std::string_view digest;
};

void check(std::span<const KnownAnswer> table) {
  for (const KnownAnswer& row : table) {
    EXPECT_EQ(to_hex(digest(row.hash, row.message)), row.digest)
        << hash_name(row.hash) << " of '" << row.message << "'";
  }
}

constexpr std::string_view two_blocks_512 =
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view two_blocks_1024 =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
    "lmnopqrsmnopqrstnopqrstu";

// FIPS 180-2, appendices A to C and change notice 1 (SHA-224): one block and two blocks.
TEST(HashTest, Fips180KnownAnswers) {
  const KnownAnswer table[] = {
      {Hash::sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {Hash::sha1, two_blocks_512, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {Hash::sha224, "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
      {Hash::sha224, two_blocks_512, "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525"},
      {Hash::sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {Hash::sha256, two_blocks_512,
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {Hash::sha384, "abc",
       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
       "8086072ba1e7cc2358baeca134c825a7"},
      {Hash::sha384, two_blocks_1024,
       "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
       "fcc7c71a557e2db966c3e9fa91746039"},
      {Hash::sha512, "abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {Hash::sha512, two_blocks_1024,
       "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
       "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
  };
  check(table);
}

// Dobbertin, Bosselaers, Preneel: "RIPEMD-160, a strengthened version of RIPEMD", appendix B.
TEST(HashTest, Ripemd160KnownAnswers) {
  const KnownAnswer table[] = {
      {Hash::ripemd160, "", "9c1185a5c5e9fc54612808977ee8f548b2258d31"},
      {Hash::ripemd160, "a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"},
      {Hash::ripemd160, "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"},
      {Hash::ripemd160, "message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"},
      {Hash::ripemd160, two_blocks_512, "12a053384a9c0c88e405a06c27dcf49ada62eb2b"},
  };
  check(table);
}

// ISO/IEC 10118-3:2004, annex D.7 (also the authors' iso-test-vectors.txt).
TEST(HashTest, WhirlpoolKnownAnswers) {
  const KnownAnswer table[] = {
      {Hash::whirlpool, "",
       "19fa61d75522a4669b44e39c1d2e1726c530232130d407f89afee0964997f7a7"
       "3e83be698b288febcf88e3e03c4f0757ea8964e59b63d93708b138cc42a66eb3"},
      {Hash::whirlpool, "abc",
       "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c"
       "7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5"},
      {Hash::whirlpool, "message digest",
       "378c84a4126e2dc6e56dcc7458377aac838d00032230f53ce1f5700c0ffb4d3b"
       "8421557659ef55c106b4b52ac5a4aaa692ed920052838f3362e86dbd37a8903e"},
      {Hash::whirlpool, "abcdbcdecdefdefgefghfghighijhijk",
       "2a987ea40f917061f5d6f0a0e4644f488a7a5a52deee656207c562f988e95c69"
       "16bdc8031bc5be1b7b947639fe050b56939baaa0adff9ae6745b7b181c3be3fd"},
  };
  check(table);
}

TEST(HashTest, TheNamesAreThoseOfLuksHeaders) {
  const std::pair<std::string_view, Hash> table[] = {
      {"sha1", Hash::sha1},           {"sha224", Hash::sha224}, {"sha256", Hash::sha256},
      {"sha384", Hash::sha384},       {"sha512", Hash::sha512}, {"ripemd160", Hash::ripemd160},
      {"whirlpool", Hash::whirlpool},
  };
  for (const auto& [name, hash] : table) {
    EXPECT_EQ(find_hash(name), hash) << name;
    EXPECT_EQ(hash_name(hash), name);
  }
}

TEST(HashTest, NamesAreFoundInUpperCaseToo) {
  EXPECT_EQ(find_hash("SHA256"), Hash::sha256);
  EXPECT_EQ(find_hash("RipeMD160"), Hash::ripemd160);
}

TEST(HashTest, OtherNamesAreNotFound) {
  for (const std::string_view name : {"", "sha", "sha2", "sha-256", "sha2567", "sha25", " sha256",
                                      "sha256 ", "md5", "sha3-256", "blake2b-512", "whirlpoo"}) {
    EXPECT_EQ(find_hash(name), std::nullopt) << name;
  }
  EXPECT_EQ(find_hash(std::string_view("sha256\0", 7)), std::nullopt);
}

TEST(HashTest, DigestSizesAreThoseOfTheStandards) {
  const std::pair<Hash, std::size_t> table[] = {
      {Hash::sha1, 20},   {Hash::sha224, 28},    {Hash::sha256, 32},    {Hash::sha384, 48},
      {Hash::sha512, 64}, {Hash::ripemd160, 20}, {Hash::whirlpool, 64},
  };
  for (const auto& [hash, size] : table) EXPECT_EQ(digest_size(hash), size) << hash_name(hash);
}

TEST(HashTest, PartsAreHashedAsTheirConcatenation) {
  for (const Hash hash : all_hashes) {
    const Bytes a = to_bytes("ab");
    const Bytes b = to_bytes("c");
    const std::span<const std::byte> parts[] = {{}, a, {}, b};
    Bytes result(digest_size(hash));
    hash_bytes(hash, parts, result);
    EXPECT_EQ(result, digest(hash, "abc")) << hash_name(hash);
  }
}

TEST(HashTest, AShorterDigestIsTheBeginningOfTheWhole) {
  for (const Hash hash : all_hashes) {
    const Bytes message = to_bytes("abc");
    const std::span<const std::byte> parts[] = {message};
    Bytes result(7);
    hash_bytes(hash, parts, result);
    Bytes whole = digest(hash, "abc");
    whole.resize(7);
    EXPECT_EQ(result, whole) << hash_name(hash);
  }
}

TEST(EqualInConstantTimeTest, OnlyTheSameBytesAreEqual) {
  const Bytes bytes = testing::pattern(64);
  EXPECT_TRUE(equal_in_constant_time(bytes, Bytes(bytes)));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    Bytes other = bytes;
    other[n] ^= std::byte{0x80};
    EXPECT_FALSE(equal_in_constant_time(bytes, other)) << n;
  }
}

TEST(EqualInConstantTimeTest, ABeginningIsNotEqual) {
  const Bytes bytes = testing::pattern(64);
  EXPECT_FALSE(equal_in_constant_time(bytes, std::span(bytes).first(63)));
  EXPECT_FALSE(equal_in_constant_time(std::span(bytes).first(63), bytes));
  EXPECT_FALSE(equal_in_constant_time({}, bytes));
}

}  // namespace
}  // namespace luksdetached
