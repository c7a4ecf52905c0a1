#include <gtest/gtest.h>

#include <string_view>
#include <tuple>

#include "crypto/adiantum.h"
#include "crypto/hash.h"
#include "sector_cipher_checks.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::to_hex;

std::unique_ptr<SectorCipher> make(std::string_view spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  const CipherSpec parsed = parse_cipher_spec(spec);
  return make_adiantum(parsed.cipher == "xchacha12,aes" ? 12 : 20, *find_iv_kind(parsed.iv), key,
                       sector_size);
}

// SHA-256 of what the program of Adiantum's authors (github.com/google/adiantum,
// python/adiantum.py) makes of a sector 00 01 … ff 00 … with the key 00 01 … 1f. The tweak is
// dm-crypt's: the number of the sector's first 512 bytes, and zeros.
TEST(AdiantumSectorCipherTest, KnownAnswersOfItsAuthorsProgram) {
  const std::tuple<std::string_view, std::size_t, std::uint64_t, std::string_view> table[] = {
      {"xchacha12,aes-adiantum-plain64", 512, 0x0,
       "be7199ca152ebf5de42d417c943f31b5e205f152f73b343e2576ead34a77e384"},
      {"xchacha12,aes-adiantum-plain64", 512, 0x123456789,
       "7824e8b29820f65e3c06e18ee4f4451789db42488869f79b7a05bccb5165c987"},
      {"xchacha12,aes-adiantum-plain64", 4096, 0x1,
       "d077fba0e157961f2d66e2bb8b3925d6ef9d06eb6e90dd7eeaaedc3c4cb5a478"},
      {"xchacha12,aes-adiantum-plain64", 4096, 0x123456789,
       "33eda695c63cb2a054eab5123f49cd7c22355cd353895887b2ab9e47c855a065"},
      {"xchacha20,aes-adiantum-plain64", 512, 0x0,
       "a79a89801f90b6d7ad4e5bdfa5e7fa8f4f27ec55fa12def38605d5443752c44d"},
      {"xchacha20,aes-adiantum-plain64", 512, 0x123456789,
       "b9d2f49e7f39c3db1c3d84fafcb2682b3eee20585510ce8b38dbebb5a4120579"},
      {"xchacha20,aes-adiantum-plain64", 4096, 0x1,
       "206a2f33b7ca7bef902cf1ce8babe31cd5eee832e1952c8fe983f98c06b6b271"},
      {"xchacha20,aes-adiantum-plain64", 4096, 0x123456789,
       "481b83f7bb4e05c9e5f74c73a0d1ec4f2d3922c4c861b9047081d5ce92c563cc"},
  };
  Bytes key(32);
  for (std::size_t n = 0; n < key.size(); ++n) key[n] = static_cast<std::byte>(n);
  for (const auto& [spec, size, sector, answer] : table) {
    Bytes data(size);
    for (std::size_t n = 0; n < size; ++n) data[n] = static_cast<std::byte>(n);
    const auto cipher = make(spec, key, size);
    const Bytes ciphertext = testing::encrypt(*cipher, data, sector);
    Bytes digest(digest_size(Hash::sha256));
    const std::span<const std::byte> parts[] = {ciphertext};
    hash_bytes(Hash::sha256, parts, digest);
    EXPECT_EQ(to_hex(digest), answer) << spec << ", sector " << sector << " of " << size;
    EXPECT_EQ(testing::decrypt(*cipher, ciphertext, sector), data) << spec << ", " << size;
  }
}

TEST(AdiantumSectorCipherTest, PlainWrapsAfter32BitsAndPlain64DoesNot) {
  testing::check_wrap_of_plain(make, 32, "xchacha12,aes-adiantum");
}

TEST(AdiantumSectorCipherTest, Plain64beHasTheNumberAtTheEndOfTheTweak) {
  const Bytes data = testing::pattern(512, 2);
  const auto big = make("xchacha12,aes-adiantum-plain64be", testing::pattern(32), 512);
  const Adiantum adiantum(12, testing::pattern(32));
  Bytes tweak(Adiantum::tweak_bytes);
  tweak[31] = std::byte{5};
  Bytes expected(data.size());
  adiantum.encrypt(tweak, data, expected);
  EXPECT_EQ(testing::encrypt(*big, data, 5), expected);
}

TEST(AdiantumSectorCipherTest, AnyRunOfSectorsAnywhereInMemory) {
  testing::check_all_shapes(make, "xchacha12,aes-adiantum-plain64", 32);
  testing::check_all_shapes(make, "xchacha20,aes-adiantum-plain", 32);
}

TEST(AdiantumSectorCipherTest, ManyThreadsShareOneCipher) {
  testing::check_threads(make, "xchacha12,aes-adiantum-plain64", 32);
}

TEST(AdiantumSectorCipherTest, SaysItsName) {
  EXPECT_EQ(make("xchacha12,aes-adiantum-plain64", testing::pattern(32), 512)->kernel(),
            "portable");
}

TEST(AdiantumSectorCipherTest, WorksAfterItWasLockedAgain) {
  testing::check_lock_again(make, "xchacha12,aes-adiantum-plain64", 32);
}

}  // namespace
}  // namespace luksdetached
