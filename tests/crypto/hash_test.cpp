#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "../base/testing.h"
#include "known_answers.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::to_bytes;

struct Named {
  Hash hash;
  std::string_view name;
  std::size_t digest_bytes;
};

constexpr Named all_hashes[] = {
    {Hash::sha1, "sha1", 20},
    {Hash::sha224, "sha224", 28},
    {Hash::sha256, "sha256", 32},
    {Hash::sha384, "sha384", 48},
    {Hash::sha512, "sha512", 64},
    {Hash::ripemd160, "ripemd160", 20},
    {Hash::whirlpool, "whirlpool", 64},
    {Hash::sha3_224, "sha3-224", 28},
    {Hash::sha3_256, "sha3-256", 32},
    {Hash::sha3_384, "sha3-384", 48},
    {Hash::sha3_512, "sha3-512", 64},
    {Hash::blake2b_160, "blake2b-160", 20},
    {Hash::blake2b_256, "blake2b-256", 32},
    {Hash::blake2b_384, "blake2b-384", 48},
    {Hash::blake2b_512, "blake2b-512", 64},
    {Hash::blake2s_128, "blake2s-128", 16},
    {Hash::blake2s_160, "blake2s-160", 20},
    {Hash::blake2s_224, "blake2s-224", 28},
    {Hash::blake2s_256, "blake2s-256", 32},
};

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
  std::string_view answer;
};

void check(std::span<const KnownAnswer> table) {
  testing::check_known_answers(
      table,
      [](const KnownAnswer& row, std::span<std::byte> answer) {
        const Bytes message = to_bytes(row.message);
        const std::span<const std::byte> parts[] = {message};
        hash_bytes(row.hash, parts, answer);
      },
      [](const KnownAnswer& row) {
        return std::string(hash_name(row.hash)) + " of '" + std::string(row.message) + "'";
      });
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

// FIPS 202: NIST's examples for messages of 0 bits, and of 24 bits as in FIPS 180.
TEST(HashTest, Fips202KnownAnswers) {
  const KnownAnswer table[] = {
      {Hash::sha3_224, "", "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7"},
      {Hash::sha3_224, "abc", "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
      {Hash::sha3_256, "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"},
      {Hash::sha3_256, "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
      {Hash::sha3_384, "",
       "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61"
       "995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004"},
      {Hash::sha3_384, "abc",
       "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c25"
       "96da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
      {Hash::sha3_512, "",
       "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
       "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"},
      {Hash::sha3_512, "abc",
       "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
       "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
  };
  check(table);
}

// RFC 7693, appendices A and B, have the longest digests. Python's hashlib and libgcrypt agree on
// the shorter ones, which are no beginnings of them.
TEST(HashTest, Blake2KnownAnswers) {
  const KnownAnswer table[] = {
      {Hash::blake2b_160, "abc", "384264f676f39536840523f284921cdc68b6846b"},
      {Hash::blake2b_256, "abc",
       "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
      {Hash::blake2b_384, "abc",
       "6f56a82c8e7ef526dfe182eb5212f7db9df1317e57815dbd"
       "a46083fc30f54ee6c66ba83be64b302d7cba6ce15bb556f4"},
      {Hash::blake2b_512, "abc",
       "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
       "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
      {Hash::blake2s_128, "abc", "aa4938119b1dc7b87cbad0ffd200d0ae"},
      {Hash::blake2s_160, "abc", "5ae3b99be29b01834c3b508521ede60438f8de17"},
      {Hash::blake2s_224, "abc", "0b033fc226df7abde29f67a05d3dc62cf271ef3dfea4d387407fbd55"},
      {Hash::blake2s_256, "abc",
       "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
  };
  check(table);
}

TEST(HashTest, TheNamesAreThoseOfLuksHeaders) {
  std::string all;
  for (const auto& [hash, name, bytes] : all_hashes) {
    EXPECT_EQ(find_hash(name), hash) << name;
    EXPECT_EQ(hash_name(hash), name);
    if (!all.empty()) all += ' ';
    all += name;
  }
  EXPECT_EQ(supported_hashes(), all);
}

TEST(HashTest, NamesAreFoundInUpperCaseToo) {
  EXPECT_EQ(find_hash("SHA256"), Hash::sha256);
  EXPECT_EQ(find_hash("RipeMD160"), Hash::ripemd160);
}

TEST(HashTest, NamesThatOpenSslHasBesidesAreFound) {
  EXPECT_EQ(find_hash("SHA2-256"), Hash::sha256);
  EXPECT_EQ(find_hash("sha-1"), Hash::sha1);
  EXPECT_EQ(find_hash("sha-512"), Hash::sha512);
  EXPECT_EQ(find_hash("RMD160"), Hash::ripemd160);
  EXPECT_EQ(find_hash("BLAKE2b512"), Hash::blake2b_512);
  EXPECT_EQ(hash_name(*find_hash("sha2-384")), "sha384");
}

TEST(HashTest, OtherNamesAreNotFound) {
  for (const std::string_view name :
       {"", "sha", "sha2", "sha-2", "sha2567", "sha25", " sha256", "sha256 ", "md5", "sha3",
        "sha3-512-", "blake2b", "blake2b256", "blake2s-512", "whirlpoo", "sha2-512/256"}) {
    EXPECT_EQ(find_hash(name), std::nullopt) << name;
  }
  EXPECT_EQ(find_hash(std::string_view("sha256\0", 7)), std::nullopt);
}

TEST(HashTest, DigestSizesAreThoseOfTheStandards) {
  for (const auto& [hash, name, bytes] : all_hashes) EXPECT_EQ(digest_size(hash), bytes) << name;
}

TEST(HashTest, PartsAreHashedAsTheirConcatenation) {
  for (const auto& [hash, name, bytes] : all_hashes) {
    const Bytes a = to_bytes("ab");
    const Bytes b = to_bytes("c");
    const std::span<const std::byte> parts[] = {{}, a, {}, b};
    Bytes result(digest_size(hash));
    hash_bytes(hash, parts, result);
    EXPECT_EQ(result, digest(hash, "abc")) << hash_name(hash);
  }
}

TEST(HashTest, AShorterDigestIsTheBeginningOfTheWhole) {
  for (const auto& [hash, name, bytes] : all_hashes) {
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
