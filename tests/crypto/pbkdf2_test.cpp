#include "crypto/pbkdf2.h"

#include <crypto++/pwdbased.h>
#include <crypto++/ripemd.h>
#include <crypto++/sha.h>
#include <crypto++/sha3.h>
#include <crypto++/whrlpool.h>
#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>

#include "../base/testing.h"
#include "known_answers.h"

namespace luksdetached {
namespace {

using namespace std::string_literals;
using testing::Bytes;
using testing::to_bytes;
using testing::to_hex;

struct KnownAnswer {
  Hash hash;
  std::string secret, salt;
  std::uint32_t iterations;
  std::string answer;
};

void check(std::span<const KnownAnswer> table) {
  testing::check_known_answers(
      table,
      [](const KnownAnswer& row, std::span<std::byte> key) {
        pbkdf2(row.hash, to_bytes(row.secret), to_bytes(row.salt), row.iterations, key);
      },
      [](const KnownAnswer& row) {
        return std::string(hash_name(row.hash)) + ", " + row.secret + ", " + row.salt + ", " +
               std::to_string(row.iterations);
      });
}

// RFC 6070, section 2, all vectors but the one with 16777216 iterations.
TEST(Pbkdf2Test, Rfc6070KnownAnswersForSha1) {
  const KnownAnswer table[] = {
      {Hash::sha1, "password"s, "salt"s, 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
      {Hash::sha1, "password"s, "salt"s, 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
      {Hash::sha1, "password"s, "salt"s, 4096, "4b007901b765489abead49d926f721d065a429c1"},
      {Hash::sha1, "passwordPASSWORDpassword"s, "saltSALTsaltSALTsaltSALTsaltSALTsalt"s, 4096,
       "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
      {Hash::sha1, "pass\0word"s, "sa\0lt"s, 4096, "56fa6aa75548099dcc37d7f03425e0c3"},
  };
  check(table);
}

// RFC 7914, section 11.
TEST(Pbkdf2Test, Rfc7914KnownAnswersForSha256) {
  const KnownAnswer table[] = {
      {Hash::sha256, "passwd"s, "salt"s, 1,
       "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
       "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
      {Hash::sha256, "Password"s, "NaCl"s, 80000,
       "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
       "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"},
  };
  check(table);
}

// There is no RFC for these; the inputs are those of RFC 6070, the answers are from OpenSSL 3.
TEST(Pbkdf2Test, KnownAnswersForSha512) {
  const KnownAnswer table[] = {
      {Hash::sha512, "password"s, "salt"s, 1,
       "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
       "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"},
      {Hash::sha512, "password"s, "salt"s, 2,
       "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
       "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e"},
      {Hash::sha512, "password"s, "salt"s, 4096,
       "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
       "143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5"},
      {Hash::sha512, "passwordPASSWORDpassword"s, "saltSALTsaltSALTsaltSALTsaltSALTsalt"s, 4096,
       "8c0511f4c6e597c6ac6315d8f0362e225f3c501495ba23b868c005174dc4ee71"
       "115b59f9e60cd9532fa33e0f75aefe30225c583a186cd82bd4daea9724a3d3b8"},
  };
  check(table);
}

// From OpenSSL 3, Whirlpool from libgcrypt 1.10. The keys are longer than a digest and no multiple
// of it where that is possible.
TEST(Pbkdf2Test, KnownAnswersForTheOtherHashes) {
  const KnownAnswer table[] = {
      {Hash::sha224, "password"s, "salt"s, 3,
       "947cf079cfc7f2016dcd7ec418840443edaabb90c496f98cabeec4bfb1a5a4aa"
       "ff68cca92cf05a6d725502f8e0a8873b2660b7887a9bfd1478837b93c2"},
      {Hash::sha384, "password"s, "salt"s, 3,
       "1bfb451b6087e5d24eeffb57d7284448da95b581d35a1887d9a6e756af559b1f"
       "b4798a4529502f87cdf71f435d66d25e344483fb1f24ab37be82ed35c43762d0"
       "1520cd6457ab0240e0b334cfc688f5da7cc7febb0af6bbb4a7d1def8190116be"
       "a389efcb"},
      {Hash::ripemd160, "password"s, "salt"s, 3,
       "9ca4d509610a8b37dcf0f67242c5dce427aba359131da62169c0a7e6280f8455"
       "763db3bbd875de6af910d3622ff0ccd1c6af97d6089ecc4ff44474ac9544dc86"},
      {Hash::whirlpool, "password"s, "salt"s, 3,
       "044e8b75485484f0274bbcee31bc227360dc6e9d2a81b47cb844e13afe04bae6"
       "1bd539a5eb3134917f5d581d98289debb93946290c0b70ae7f702c4d7661026f"},
  };
  check(table);
}

// Python's hashlib and libgcrypt 1.10 agree on these. HMAC with SHA-3 and BLAKE2 fills their
// blocks, which are not those of SHA-2; the longer secrets are hashed first.
TEST(Pbkdf2Test, KnownAnswersForSha3AndBlake2) {
  const std::string long_secret(200, 'k');
  const KnownAnswer table[] = {
      {Hash::sha3_224, "password"s, "salt"s, 3,
       "78f53c723000c6648b2685ceb66277b3bbc3830063b32ac0983a42f1c289f0975bc974581baea9fe"},
      {Hash::sha3_224, long_secret, "salt"s, 3, "f3942c3e5837c1b6bd4187c0458f9036"},
      {Hash::sha3_256, "password"s, "salt"s, 3,
       "6677065466c97fdef1c15ae8d95020ca948334f53eceeafc6115ddf405f6d6a4f75ba13a75082d8d"},
      {Hash::sha3_256, long_secret, "salt"s, 3, "a0c51840c29c7de3e2a0aacdf167b269"},
      {Hash::sha3_384, "password"s, "salt"s, 3,
       "3c7efe23b2a10f89837270324712c2e0bd8559d6c8ed070268239a2c2abb777b9adc611d71d2b533"},
      {Hash::sha3_384, long_secret, "salt"s, 3, "cb83b2d8e026b06989bc9af908958b48"},
      {Hash::sha3_512, "password"s, "salt"s, 3,
       "cf022071b51477a7783157cbf39fe43377494e295da4d9bb8905117d0a4e998c6c930d02e1291e83"},
      {Hash::sha3_512, long_secret, "salt"s, 3, "58a9be0373d21fe834f661fd22dafd18"},
      {Hash::blake2b_160, "password"s, "salt"s, 3,
       "7149de59d65c6fce5f102d60048a77621584178141c7ac546b49e6b28793228308ce3b38d0cf243c"},
      {Hash::blake2b_160, long_secret, "salt"s, 3, "a621dbab16ac7deb34de6fcc52b0f9be"},
      {Hash::blake2b_256, "password"s, "salt"s, 3,
       "90738e3f1bb90394fc6b7b77a1d7845cd30537b0c2276d0df2436f5db2449cda4ec7f3ec2900ae32"},
      {Hash::blake2b_256, long_secret, "salt"s, 3, "a276ebdb044bf2b45a83822e33f4e1d0"},
      {Hash::blake2b_384, "password"s, "salt"s, 3,
       "6231b4d08c6977d03c06527a1ea8716f498409028e248be94ac66fe9fd86ee2cea89badb26e19c3a"},
      {Hash::blake2b_384, long_secret, "salt"s, 3, "19a6b0d41b2d93d157b15f9c14bf82ce"},
      {Hash::blake2b_512, "password"s, "salt"s, 3,
       "0543fd2a48f0d9ecdec59863cf9234bfbb1d35cc76df3ae571a069591f95f29c1c4e14d8c194c951"},
      {Hash::blake2b_512, long_secret, "salt"s, 3, "fc231dddce4dd98d7c3c8b690a917dfd"},
      {Hash::blake2s_128, "password"s, "salt"s, 3,
       "ef8a24295c5fc27e838f0f144f7bd70f8b562c03add0576408110221fa9ffb5573955a02305f8801"},
      {Hash::blake2s_128, long_secret, "salt"s, 3, "32067622f256a90311198e1d82d111be"},
      {Hash::blake2s_160, "password"s, "salt"s, 3,
       "374c9a9ae79422ecc2c7ca1a4ac54dfea3adecc276a2d337511dfe7439f8531407005777950f956f"},
      {Hash::blake2s_160, long_secret, "salt"s, 3, "b40b1d7a2a421e92856c5a6239da1d15"},
      {Hash::blake2s_224, "password"s, "salt"s, 3,
       "f54148d3caead79b6b4bcf47928531373260d89e132677f22fe5e61f6c4589b2cfa6116307a0c5a6"},
      {Hash::blake2s_224, long_secret, "salt"s, 3, "ccbec0366ec02d9617301401b9a4710d"},
      {Hash::blake2s_256, "password"s, "salt"s, 3,
       "9f84af2eacd0690a30558c9d31363c6828015792b820bd4fa8e4e7c4f179110d57ccc2453584cff9"},
      {Hash::blake2s_256, long_secret, "salt"s, 3, "4e440f18edc246a60be595748643d72d"},
  };
  check(table);
}

// From OpenSSL 3: a secret that just fills the hash's block, and longer ones, which are hashed.
TEST(Pbkdf2Test, SecretsAsLongAsABlockAndLonger) {
  const KnownAnswer table[] = {
      {Hash::sha1, std::string(64, 'k'), "salt"s, 3,
       "2423bc5fc81b71e1b30555ff16b12c8cda1a2d72f8ea54bc24e3af596dddc47a"},
      {Hash::sha1, std::string(65, 'k'), "salt"s, 3,
       "62df75a9bde9b7fc1fbc7f4a453ce8669674edcfa12c3b8e24383284c061604f"},
      {Hash::sha256, std::string(64, 'k'), "salt"s, 3,
       "59e38449e5b5499366e8ef715d2cb11880bafafa02ff5699caa77948092dc60c"},
      {Hash::sha256, std::string(65, 'k'), "salt"s, 3,
       "37681f3749277f6b4ddde0ffeb99b3fcf332f61ba1ee3612ed0fd921583c6cfe"},
      {Hash::sha256, std::string(200, 'k'), "salt"s, 3,
       "12600a5919a5f957ac0640c24cb5815dd283613c2ea28312867f86856872988d"},
      {Hash::sha512, std::string(128, 'k'), "salt"s, 3,
       "abdcbe5c83ebca2ad4616dffff43e3080f93d57eabbce87c047e16926bf4b16a"},
      {Hash::sha512, std::string(129, 'k'), "salt"s, 3,
       "e1ef2201eada65739fddeefdbaee39063df583be213382491bbed430b9b1de56"},
  };
  check(table);
}

// From OpenSSL 3.
TEST(Pbkdf2Test, SecretAndSaltMayBeEmpty) {
  const KnownAnswer table[] = {
      {Hash::sha256, ""s, "salt"s, 3,
       "5ddf839afa2d5fb4be56e1a0f48917617559bef61ec122bfca1c7f75ac8f401d"},
      {Hash::sha256, "password"s, ""s, 3,
       "02048ce01cff51053aa4002a47f6ce3d1e123a76a6b178a8790d8b7c09063606"
       "83"},
  };
  check(table);
}

constexpr Hash all_hashes[] = {
    Hash::sha1,        Hash::sha224,      Hash::sha256,      Hash::sha384,      Hash::sha512,
    Hash::ripemd160,   Hash::whirlpool,   Hash::sha3_224,    Hash::sha3_256,    Hash::sha3_384,
    Hash::sha3_512,    Hash::blake2b_160, Hash::blake2b_256, Hash::blake2b_384, Hash::blake2b_512,
    Hash::blake2s_128, Hash::blake2s_160, Hash::blake2s_224, Hash::blake2s_256,
};

// PBKDF2 as Crypto++ has it, for those of its classes that its HMAC takes.
template <typename T>
Bytes of_cryptopp(const Bytes& secret, const Bytes& salt, unsigned iterations, std::size_t size) {
  const auto* secret_bytes = reinterpret_cast<const CryptoPP::byte*>(secret.data());
  const auto* salt_bytes = reinterpret_cast<const CryptoPP::byte*>(salt.data());
  Bytes key(size);
  CryptoPP::PKCS5_PBKDF2_HMAC<T>().DeriveKey(reinterpret_cast<CryptoPP::byte*>(key.data()),
                                             key.size(), 0, secret_bytes, secret.size(), salt_bytes,
                                             salt.size(), iterations);
  return key;
}

template <typename T>
void compare_with_cryptopp(Hash hash) {
  SCOPED_TRACE(hash_name(hash));
  std::mt19937 random(static_cast<unsigned>(hash));
  const auto bytes = [&](std::size_t size) {
    Bytes result(size);
    for (std::byte& b : result) b = static_cast<std::byte>(random());
    return result;
  };
  const std::size_t digest = digest_size(hash);
  for (const std::size_t secret_size : {0U, 1U, 20U, 63U, 64U, 65U, 127U, 128U, 129U, 300U}) {
    for (const std::size_t size :
         {std::size_t{1}, digest - 1, digest, digest + 1, 5 * digest + 7}) {
      for (const unsigned iterations : {1U, 2U, 3U, 50U}) {
        const Bytes secret = bytes(secret_size);
        const Bytes salt = bytes(random() % 200);
        Bytes key(size);
        pbkdf2(hash, secret, salt, iterations, key);
        ASSERT_EQ(to_hex(key), to_hex(of_cryptopp<T>(secret, salt, iterations, size)))
            << secret_size << " " << size << " " << iterations;
      }
    }
  }
}

TEST(Pbkdf2Test, AgreesWithCryptopp) {
  compare_with_cryptopp<CryptoPP::SHA1>(Hash::sha1);
  compare_with_cryptopp<CryptoPP::SHA224>(Hash::sha224);
  compare_with_cryptopp<CryptoPP::SHA256>(Hash::sha256);
  compare_with_cryptopp<CryptoPP::SHA384>(Hash::sha384);
  compare_with_cryptopp<CryptoPP::SHA512>(Hash::sha512);
  compare_with_cryptopp<CryptoPP::RIPEMD160>(Hash::ripemd160);
  compare_with_cryptopp<CryptoPP::Whirlpool>(Hash::whirlpool);
  compare_with_cryptopp<CryptoPP::SHA3_224>(Hash::sha3_224);
  compare_with_cryptopp<CryptoPP::SHA3_256>(Hash::sha3_256);
  compare_with_cryptopp<CryptoPP::SHA3_384>(Hash::sha3_384);
  compare_with_cryptopp<CryptoPP::SHA3_512>(Hash::sha3_512);
}

TEST(Pbkdf2Test, ADerivationBitByBitIsTheSame) {
  for (const Hash hash : all_hashes) {
    const Bytes secret = to_bytes("secret");
    const Bytes salt = to_bytes("salt");
    Bytes expected(3 * digest_size(hash) - 1);
    pbkdf2(hash, secret, salt, 20, expected);

    const Pbkdf2Input input{hash, secret, salt, 20, expected.size()};
    ASSERT_EQ(pbkdf2_blocks(input), 3U);
    const auto derivation = begin_pbkdf2(input);
    EXPECT_FALSE(derivation->advance(2, 1, 1));
    EXPECT_FALSE(derivation->advance(0, 3, 5));
    EXPECT_FALSE(derivation->advance(0, 1, 13));
    EXPECT_TRUE(derivation->advance(0, 1, 1));
    EXPECT_TRUE(derivation->advance(0, 1, 7));  // more are not done
    EXPECT_FALSE(derivation->advance(0, 2, 13));
    EXPECT_TRUE(derivation->advance(1, 2, 100));
    EXPECT_TRUE(derivation->advance(0, 3, 100));
    Bytes key(expected.size());
    derivation->take(key);
    EXPECT_EQ(to_hex(key), to_hex(expected)) << hash_name(hash);
  }
}

TEST(Pbkdf2Test, AShorterKeyIsTheBeginningOfALongerOne) {
  Bytes longer(97);
  pbkdf2(Hash::sha256, to_bytes("secret"), to_bytes("salt"), 2, longer);
  for (const std::size_t size : {1U, 31U, 32U, 33U, 64U, 65U, 96U}) {
    Bytes key(size);
    pbkdf2(Hash::sha256, to_bytes("secret"), to_bytes("salt"), 2, key);
    EXPECT_EQ(to_hex(key), to_hex(std::span(longer).first(size))) << size;
  }
}

}  // namespace
}  // namespace luksdetached
