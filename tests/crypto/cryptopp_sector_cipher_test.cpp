#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "crypto/sector_cipher_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::ShortVector;

constexpr auto make = testing::make_cryptopp;

constexpr std::pair<std::string_view, std::size_t> kinds[] = {
    {"aes-xts-plain64", 32},        {"aes-xts-plain64", 48},          {"aes-xts-plain64", 64},
    {"aes-xts-plain", 64},          {"aes-xts-plain64be", 64},        {"aes-xts-essiv:sha256", 64},
    {"aes-cbc-plain64", 16},        {"aes-cbc-plain64", 24},          {"aes-cbc-plain64", 32},
    {"aes-cbc-plain", 32},          {"aes-cbc-plain64be", 32},        {"aes-cbc-essiv:sha256", 16},
    {"aes-cbc-essiv:sha256", 32},   {"serpent-xts-plain64", 64},      {"serpent-cbc-plain64", 24},
    {"twofish-xts-plain", 32},      {"twofish-cbc-essiv:sha256", 32}, {"camellia-xts-plain64", 48},
    {"camellia-cbc-plain64be", 16}, {"cast5-cbc-plain64", 16},        {"cast5-cbc-plain64be", 5},
    {"cast6-xts-plain64", 64},      {"cast6-cbc-essiv:sha256", 28},
};

TEST(CryptoppSectorCipherTest, Ieee1619SectorsOf512) {
  testing::check_ieee1619_sectors(make);
}

TEST(CryptoppSectorCipherTest, XtsKnownAnswersOfIeee1619NistAndDmCrypt) {
  testing::check_short_vectors(make, testing::xts_short_vectors);
}

TEST(CryptoppSectorCipherTest, CbcKnownAnswersOfNistDmCryptAndOtherLibraries) {
  testing::check_short_vectors(make, testing::aes_cbc_short_vectors);
}

// Vectors of the block ciphers themselves. CBC with the IV 0, which sector 0 has, does nothing else
// to the first block.
TEST(CryptoppSectorCipherTest, KnownAnswersOfTheBlockCiphers) {
  constexpr std::string_view zero = "00000000000000000000000000000000";
  constexpr std::string_view camellia = "0123456789abcdeffedcba9876543210";
  const ShortVector table[] = {
      // NESSIE, Serpent, set 1, vector 0 of each key size.
      {"serpent-cbc-plain64", "80000000000000000000000000000000", 0, zero,
       "264e5481eff42a4606abda06c0bfda3d"},
      {"serpent-cbc-plain64", "800000000000000000000000000000000000000000000000", 0, zero,
       "9e274ead9b737bb21efcfca548602689"},
      {"serpent-cbc-plain64", "8000000000000000000000000000000000000000000000000000000000000000", 0,
       zero, "a223aa1288463c0e2be38ebd825616c0"},
      // The submission of Twofish to NIST, ecb_ival.txt.
      {"twofish-cbc-plain64", zero, 0, zero, "9f589f5cf6122c32b6bfec2f2ae8c35a"},
      {"twofish-cbc-plain64", "0123456789abcdeffedcba98765432100011223344556677", 0, zero,
       "cfd1d2e5a9be9cdf501f13b892bd2248"},
      {"twofish-cbc-plain64", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff", 0,
       zero, "37527be0052334b89f0cfccae87cfa20"},
      // RFC 3713, appendix A.
      {"camellia-cbc-plain64", camellia, 0, camellia, "67673138549669730857065648eabe43"},
      {"camellia-cbc-plain64", "0123456789abcdeffedcba98765432100011223344556677", 0, camellia,
       "b4993401b3e996f84ee5cee7d79b09b9"},
      {"camellia-cbc-plain64", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
       0, camellia, "9acc237dff16d76c20ef7c919e3a7509"},
      // RFC 2144, appendix B.1.
      {"cast5-cbc-plain64", "0123456712345678234567893456789a", 0, "0123456789abcdef",
       "238b4fe5847e44b2"},
      {"cast5-cbc-plain64", "01234567123456782345", 0, "0123456789abcdef", "eb6a711a2c02271b"},
      {"cast5-cbc-plain64", "0123456712", 0, "0123456789abcdef", "7ac816d16e9b302e"},
      // RFC 2612, appendix A.
      {"cast6-cbc-plain64", "2342bb9efa38542c0af75647f29f615d", 0, zero,
       "c842a08972b43d20836c91d1b7530f6b"},
      {"cast6-cbc-plain64", "2342bb9efa38542cbed0ac83940ac298bac77a7717942863", 0, zero,
       "1b386c0210dcadcbdd0e41aa08a7a7e8"},
      {"cast6-cbc-plain64", "2342bb9efa38542cbed0ac83940ac2988d7c47ce264908461cc1b5137ae6b604", 0,
       zero, "4f6a2038286897b9c9870136553317fa"},
  };
  testing::check_short_vectors(make, table);
}

// Linux, crypto/testmgr.h, serpent_xts, tf_xts and camellia_xts: keys, sectors and plaintexts of
// IEEE 1619 with other ciphers.
TEST(CryptoppSectorCipherTest, XtsKnownAnswersOfLinux) {
  struct {
    std::string_view cipher;
    std::string_view answers[4];
  } const ciphers[] = {
      {"serpent",
       {"e108b81d2cf53364c81204c7b370e8c46a31c5f300cab916dee27766f7fe6208",
        "1a0a095fcd070798418612afb3d76813ed81cd0687431abb133dd61e2be177be",
        "f99b28b85caf8c61b61c818f2c8760890d8d7ae86048cc86c16845aa00e924c5",
        "fe474ac8607eb48b0d10f4b00dbaf853656e384bdbaab19e28cab022b38575f4"}},
      {"twofish",
       {"4bc9444a11a3efac3074e44452779743a760b2452ef900909faafd896e9d4ae0",
        "570e8fe52a35614f32d3bd360515442c5806f7f800a8b6d5c62892dbd834a2e9",
        "96458f8d7a75b1de400c8956f64da70738bb5be9cd84aeb27b6a62f48cb537ea",
        "a978ae1eeaa2444ca27a641faf46c1e06cb2f3929ad67d58b82db95d58076650"}},
      {"camellia",
       {"06cba5f10463b241dccafa09ba74b90578baa4f8674d7ead2018f50c41162a61",
        "c2b9dc441ddff2868d35420aa55e3d4fb53706ffbdd49170801fb239108944f5",
        "521f9df55a585a7e9fd08e029c9a6aa7b43bcee717aa896a353c6bb5611c7938",
        "c7f90aaacbb58f3360c3e94790b75057a3ad812ff5229602aa7feaac2978ca2a"}},
  };
  constexpr std::string_view zeros =
      "0000000000000000000000000000000000000000000000000000000000000000";
  constexpr std::string_view fours =
      "4444444444444444444444444444444444444444444444444444444444444444";
  constexpr std::string_view counted =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  for (const auto& [cipher, answers] : ciphers) {
    const std::string spec = std::string(cipher) + "-xts-plain64";
    const ShortVector table[] = {
        {spec, zeros, 0, zeros, answers[0]},
        {spec, "1111111111111111111111111111111122222222222222222222222222222222", 0x3333333333,
         fours, answers[1]},
        {spec, "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222", 0x3333333333,
         fours, answers[2]},
        {spec, ieee1619::aes_128_key, 0, counted, answers[3]},
    };
    testing::check_short_vectors(make, table);
  }
  const ShortVector longest_keys[] = {
      {"serpent-xts-plain64", ieee1619::aes_256_key, 0xff, counted,
       "2bc9b46b1094a932aab020c6443d741f7501a7f6f5f7621b801b82cb0159917f"},
      {"camellia-xts-plain64", ieee1619::aes_256_key, 0xff, counted,
       "49cdb8bf2f7337289a7f6e5755b807884a0d8b5560edb67bf174ac96057b32ca"},
  };
  testing::check_short_vectors(make, longest_keys);
}

// Sectors that Linux 6.1's dm-crypt wrote (the project's known-answer volumes
// l1-camellia-xts-plain64, l1-serpent-xts-plain64 and l1-twofish-xts-plain64), and QEMU 10
// (q1-serpent256-xts-plain and q1-cast5-cbc-plain64).
TEST(CryptoppSectorCipherTest, KnownAnswersOfDmCryptAndQemuForOtherCiphers) {
  const ShortVector table[] = {
      {"camellia-xts-plain64",
       "54e1220958ba2ed8ac9004dd170a733b7107a57cfa72118999cd64cc3c4b668c"
       "1417e7a4a401ca532b420ec3949541c2fbe9b3168692c10e5eaf0ea33c26a508",
       0, "ba01cba6aa244d42965fde6ea4601b15400ba1227e3e2c024d406a29e66ace1c",
       "c294e4b6363789ad77f523a24dddbc03666c67c7e966549432638f808bc67ed9"},
      {"camellia-xts-plain64",
       "54e1220958ba2ed8ac9004dd170a733b7107a57cfa72118999cd64cc3c4b668c"
       "1417e7a4a401ca532b420ec3949541c2fbe9b3168692c10e5eaf0ea33c26a508",
       7, "180f88dd143ca2b6d8d2673251c587e1dc2b4239d38c5a25471a295a18bf798b",
       "ff95bd04b97ca31a0533ea3ae4c87e4c656de4c243834fd57108e779a418bfba"},
      {"serpent-xts-plain64",
       "2e59a54ef3553a849c7abe95baf5cfef6469fe18367ea30fb42ce060f100e24c"
       "fa77b4ab3fd11b8b680952352f5df372a55ea48f53bcbd6c7a1a5cbd6508de93",
       7, "bed1d70e58a3dd29cfa60fec53ab76f42d2822af15be321e9a9d0892b146c7c5",
       "8de44972de6ac035606eab39238c08b1df10efef5845ed6751e92acfe1db559b"},
      {"twofish-xts-plain64",
       "3ff06817ef18556a8d483ccbc3f5423043a52b0323d9ab9a0dc54185a9f1decc"
       "65cc5c8aced9a6b2e98c281b850121df1833c6c9ea1e09bcca27ad2a47cab378",
       7, "60c96ab87f9f18cc8a429bb89e1b0616af23861db10547d7a908a13492458d5a",
       "d431fd92b07cf8d985021068113546dfedcb3124ed35f010059f55c812d2bc7b"},
      {"serpent-xts-plain",
       "ac141babe325ea66ebbd2a7b6dcaaabe21aa913b483e13f47c718f87bdee3a65"
       "0500b266984f6b642ef1f930a71d78d5ac5a747b5f606e6770662e7b6dcf989b",
       7, "e87b82168db07cb44c768f59ca43f9eb42e62576ba9c7837468adec72e5c359f",
       "86b1771189d186a623bc793931b413cf7105717ecf0a200149b58d5e9c3c9c7b"},
      {"cast5-cbc-plain64", "837143817d0d7a2eb427ed8ae2135789", 1,
       "58d3bf915b64f36b90eefe46cefe0d8f61f0e2765f9a0f4f0d8e16b1326ec811",
       "488f97599d97e44a885b2b1ab6fa95d1fb20c9c33daf3a83e4f0e5d1296ac565"},
      {"cast5-cbc-plain64", "837143817d0d7a2eb427ed8ae2135789", 7,
       "4352d7131c3bdda885e3da88817da2259a8dabf38def9ea264d46aea5728a80c",
       "a537179e3ba4ee67178a4dde0e1a48bc62e0612e88023bb4c99c9af2c8d46210"},
  };
  testing::check_short_vectors(make, table);
}

// Answers of OpenSSL 3 for sector 0x0123456789 and the bytes 0, 1, 2, …: the IV kinds that no
// published vector has. essiv hashes the whole key, with XTS both halves, as dm-crypt does.
TEST(CryptoppSectorCipherTest, KnownAnswersForTheOtherIvKinds) {
  constexpr std::string_view plaintext =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  constexpr std::string_view key_64 =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
  const ShortVector table[] = {
      {"aes-xts-plain64be", key_64, 0x0123456789, plaintext,
       "214d46c085b6e149b19db74a3fdf3f6532c4632effbe8be7f26f47a0fddecaf7"},
      {"aes-xts-essiv:sha256", key_64, 0x0123456789, plaintext,
       "a9ec0edf533a6860edd90628c52141603f054d0206e41f3b369f4056a8dbe0bf"},
  };
  testing::check_short_vectors(make, table);
}

// Answers of libgcrypt 1.10, likewise: what no published vector has. essiv encrypts with the
// volume's own block cipher, whatever the size of its key is.
TEST(CryptoppSectorCipherTest, KnownAnswersForOtherCiphersHashesAndKeys) {
  constexpr std::string_view plaintext =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  constexpr std::string_view key_16 = "000102030405060708090a0b0c0d0e0f";
  constexpr std::string_view key_32 = plaintext;
  constexpr std::string_view key_48 =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "202122232425262728292a2b2c2d2e2f";
  const ShortVector table[] = {
      {"aes-xts-plain64", key_48, 0x0123456789, plaintext,
       "9f9b105cb0ca00fb5fc26ecd01c3d30358d33f012cff1bc7481651135f878a76"},
      {"serpent-xts-plain64", key_48, 0x0123456789, plaintext,
       "d048e366c2e00ad89c0ed137fb8670a2b72252ca689d2c5a6d7db940e26278de"},
      {"camellia-xts-plain64", key_48, 0x0123456789, plaintext,
       "f77faa671a56b5ccc859f85c849806d075411d179cca224f1c7c07245195bd80"},
      {"serpent-cbc-essiv:sha256", key_32, 0x0123456789, plaintext,
       "54497f54eed1a81c9f5d2dcf8066f36bc6091cfe9fd248004e20f7b6efc94b2b"},
      {"twofish-cbc-essiv:sha256", key_32, 0x0123456789, plaintext,
       "b0eeb29f91778c9dc7e2b354b0e15ebeaad92dc0ad8addf6d184dd5001543000"},
      {"camellia-cbc-essiv:sha256", key_16, 0x0123456789, plaintext,
       "b8d9a918444859a04536323eed5ce35fc63300fe5af9519afbca42acf5c3cb3f"},
      {"cast5-cbc-essiv:blake2s-128", key_16, 0x0123456789, plaintext,
       "9dd9a4fb86028d141a69356ff8cd431f1b64b3f6cb92c08c05e83403ea069935"},
      {"cast5-cbc-plain", key_16, 0x0123456789, plaintext,
       "a9cec9b8262d504d01e4fd49c8ed629a21fa95c9579c9bd0d1d8b7087e3be239"},
      {"cast5-cbc-plain64be", key_16, 0x0123456789, plaintext,
       "39fa6e31c71ccfea995a2a32961fc029e445dc3108e9b5ad972c2e4f53766f87"},
  };
  testing::check_short_vectors(make, table);
}

TEST(CryptoppSectorCipherTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  testing::check_wrap_of_plain(make, 64, "aes-xts");
  testing::check_wrap_of_plain(make, 32, "aes-cbc");
}

TEST(CryptoppSectorCipherTest, TheIvCountsUnitsOf512InLargerSectors) {
  for (const auto& [spec, key_bytes] : kinds) testing::check_iv_units(make, spec, key_bytes);
}

TEST(CryptoppSectorCipherTest, AnyRunOfSectorsAnywhereInMemory) {
  for (const auto& [spec, key_bytes] : kinds) testing::check_all_shapes(make, spec, key_bytes);
}

TEST(CryptoppSectorCipherTest, ManyThreadsShareOneCipher) {
  testing::check_threads(make, "aes-xts-plain64", 64);
  testing::check_threads(make, "aes-cbc-essiv:sha256", 32);
  testing::check_threads(make, "cast6-cbc-plain64", 32);
}

TEST(CryptoppSectorCipherTest, SaysItsName) {
  EXPECT_EQ(make("aes-cbc-plain64", testing::pattern(32), 512)->kernel(), "cryptopp");
}

TEST(CryptoppSectorCipherTest, SaysWhetherItLooksUpTablesBySecrets) {
  const auto constant_time = [](std::string_view spec) {
    return make(spec, testing::pattern(32), 512)->constant_time();
  };
  EXPECT_TRUE(constant_time("serpent-xts-plain64"));
  EXPECT_FALSE(constant_time("twofish-xts-plain64"));
  EXPECT_FALSE(constant_time("camellia-cbc-plain64"));
  EXPECT_FALSE(constant_time("cast6-xts-plain64"));
  EXPECT_EQ(constant_time("aes-cbc-plain64"), have_aesni());
}

TEST(CryptoppSectorCipherTest, WorksAfterItWasLockedAgain) {
  testing::check_lock_again(make, "aes-cbc-essiv:sha256", 32);
}

}  // namespace
}  // namespace luksdetached
