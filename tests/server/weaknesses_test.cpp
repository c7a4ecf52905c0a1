#include "server/weaknesses.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "sample_header.h"

namespace luksdetached {
namespace {

using luks::Header;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::sample_header;
using testing::sample_luks1_header;

std::vector<std::string> ids(const Header& header) {
  std::vector<std::string> result;
  for (const Weakness& one : find_weaknesses(header)) result.push_back(one.id);
  return result;
}

// The weaknesses of the sample after `change`.
std::vector<std::string> after(const std::function<void(Header&)>& change) {
  Header header = sample_header();
  change(header);
  return ids(header);
}

std::vector<std::string> with_kdf(const decltype(luks::Kdf::cost)& cost) {
  return after([&](Header& header) {
    for (luks::Keyslot& slot : header.keyslots) slot.kdf.cost = cost;
  });
}

std::vector<std::string> with_cipher(const CipherSpec& cipher, std::size_t key_bytes) {
  return after([&](Header& header) {
    header.segment.cipher = cipher;
    header.volume_key_bytes = key_bytes;
    for (luks::Keyslot& slot : header.keyslots) slot.key_bytes = key_bytes;
  });
}

TEST(WeaknessesTest, AGoodHeaderHasNone) {
  EXPECT_THAT(ids(sample_header()), IsEmpty());
}

TEST(WeaknessesTest, Luks1IsOneButItsPbkdf2IsNotSaidAgain) {
  EXPECT_THAT(ids(sample_luks1_header()), ElementsAre("luks1"));
}

TEST(WeaknessesTest, TheIterationsOfPbkdf2DependOnTheHash) {
  using luks::Pbkdf2Cost;
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::sha256, 600'000}), ElementsAre("pbkdf2"));
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::sha256, 599'999}),
              ElementsAre("pbkdf2", "pbkdf2-iterations"));
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::sha512, 210'000}), ElementsAre("pbkdf2"));
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::whirlpool, 209'999}),
              ElementsAre("pbkdf2", "pbkdf2-iterations"));
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::ripemd160, 1'300'000}), ElementsAre("pbkdf2"));
  EXPECT_THAT(with_kdf(Pbkdf2Cost{Hash::sha1, 1'299'999}),
              ElementsAre("pbkdf2", "sha1", "pbkdf2-iterations"));
}

TEST(WeaknessesTest, Argon2CostsWhatRfc9106Recommends) {
  const auto cost = [](std::uint32_t time, std::uint32_t memory_kib) {
    return with_kdf(luks::Argon2Kdf{Argon2Variant::id, {time, memory_kib, 1}});
  };
  EXPECT_THAT(cost(3, 64 << 10), IsEmpty());
  EXPECT_THAT(cost(1, 2 << 20), IsEmpty());
  EXPECT_THAT(cost(2, 64 << 10), ElementsAre("argon2-cost"));
  EXPECT_THAT(cost(1000, (64 << 10) - 1), ElementsAre("argon2-cost"));
  EXPECT_THAT(cost(UINT32_MAX, UINT32_MAX), IsEmpty());
}

TEST(WeaknessesTest, CiphersOfOldVolumes) {
  EXPECT_THAT(with_cipher({"aes", "cbc", "essiv", "sha256"}, 32), ElementsAre("cbc"));
  EXPECT_THAT(with_cipher({"aes", "cbc", "plain64", ""}, 32), ElementsAre("cbc", "predictable-iv"));
  EXPECT_THAT(with_cipher({"aes", "xts", "plain", ""}, 64), ElementsAre("short-iv"));
  EXPECT_THAT(with_cipher({"aes", "xts", "plain64", ""}, 32), ElementsAre("short-key"));
  EXPECT_THAT(with_cipher({"aes", "xts", "plain64", ""}, 48), IsEmpty());
  EXPECT_THAT(with_cipher({"xchacha12,aes", "adiantum", "plain64", ""}, 32), IsEmpty());
  EXPECT_THAT(with_cipher({"cast5", "cbc", "essiv", "sha256"}, 16),
              ElementsAre("cbc", "small-blocks", "short-key"));
}

TEST(WeaknessesTest, AShortIvIsLongEnoughForAVolumeThatStaysSmall) {
  const auto with_size = [](std::uint64_t size) {
    return after([&](Header& header) {
      header.segment.cipher.iv = "plain";
      header.segment.size = size;
    });
  };
  EXPECT_THAT(with_size(std::uint64_t{2} << 40), IsEmpty());
  EXPECT_THAT(with_size((std::uint64_t{2} << 40) + 512), ElementsAre("short-iv"));
}

TEST(WeaknessesTest, TheAreasKeyIsComparedWithTheCiphers) {
  const auto with_area = [](const CipherSpec& cipher, std::size_t key_bytes) {
    return after([&](Header& header) {
      for (luks::Keyslot& slot : header.keyslots) {
        slot.area_cipher = cipher;
        slot.area_key_bytes = key_bytes;
      }
    });
  };
  EXPECT_THAT(with_area({"aes", "xts", "plain64", ""}, 32), ElementsAre("short-area-key"));
  EXPECT_THAT(with_area({"aes", "cbc", "essiv", "sha256"}, 32), IsEmpty());
}

TEST(WeaknessesTest, ASegmentThatIsNotUnderstoodIsNotCompared) {
  EXPECT_THAT(after([](Header& header) {
                header.segment.cipher = {};
                header.segment.encryption.clear();
                for (luks::Keyslot& slot : header.keyslots) slot.area_key_bytes = 32;
              }),
              IsEmpty());
}

TEST(WeaknessesTest, OneKeySlotIsFew) {
  Header header = sample_header();
  header.keyslots.pop_back();
  const std::vector<Weakness> found = find_weaknesses(header);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].id, "single-keyslot");
  EXPECT_THAT(found[0].keyslots, ElementsAre(0));
}

TEST(WeaknessesTest, WhatCannotOpenTheVolumeIsNoSecondKeySlot) {
  EXPECT_THAT(after([](Header& header) { header.keyslots[1].bound = false; }),
              ElementsAre("unbound", "single-keyslot"));
  EXPECT_THAT(after([](Header& header) {
                header.keyslots[1].unusable = "hash 'md4' is not supported";
                header.keyslots[1].kdf.cost = luks::Pbkdf2Cost{};
              }),
              ElementsAre("single-keyslot"));
}

TEST(WeaknessesTest, KeySlotsThatAreAllIgnored) {
  EXPECT_THAT(after([](Header& header) {
                for (luks::Keyslot& slot : header.keyslots) slot.priority = 0;
              }),
              ElementsAre("all-ignored"));
  EXPECT_THAT(after([](Header& header) { header.keyslots[0].priority = 0; }), IsEmpty());
}

TEST(WeaknessesTest, WhatSeveralKeySlotsShareIsSaidOnce) {
  Header header = sample_header();
  header.keyslots.push_back(testing::sample_keyslot(5));
  for (const std::size_t n : {0, 2}) {
    header.keyslots[n].kdf.cost = luks::Pbkdf2Cost{Hash::sha256, 600'000};
  }
  const std::vector<Weakness> found = find_weaknesses(header);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].keyslots, ElementsAre(0, 5));
}

TEST(WeaknessesTest, AHeaderOfWhichLittleIsKnownHasNone) {
  Header header{};
  header.version = 2;
  header.refusals = {{ErrorKind::unsupported, "the volume is being reencrypted"}};
  EXPECT_THAT(ids(header), IsEmpty());
}

}  // namespace
}  // namespace luksdetached
