#include "luks/unlock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/argon2.h"
#include "crypto/pbkdf2.h"
#include "header_builder.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::Bytes;
using luksdetached::testing::expect_error;
using luksdetached::testing::Luks1Image;
using luksdetached::testing::Luks2Image;
using luksdetached::testing::pattern;
using luksdetached::testing::to_base64;
using luksdetached::testing::to_bytes;
using luksdetached::testing::to_hex;
using nlohmann::json;

SecureBuffer secret(std::string_view text) {
  SecureBuffer buffer(text.size());
  const auto bytes = std::as_bytes(std::span(text));
  std::copy(bytes.begin(), bytes.end(), buffer.data());
  return buffer;
}

std::vector<SecureBuffer> secrets(std::initializer_list<std::string_view> texts) {
  std::vector<SecureBuffer> buffers;
  for (const std::string_view text : texts) buffers.push_back(secret(text));
  return buffers;
}

Unlocked try_unlock(const Bytes& image, std::initializer_list<std::string_view> texts,
                    std::optional<unsigned> only = {}, const KdfLimits& limits = {}) {
  KdfBudget budget(limits);
  return unlock(parse_header(image), image, secrets(texts), only, budget);
}

std::string message_of(const Bytes& image, std::initializer_list<std::string_view> texts,
                       std::optional<unsigned> only = {}) {
  try {
    try_unlock(image, texts, only);
  } catch (const Error& error) {
    return error.what();
  }
  return "it was unlocked";
}

// Adds a slot with PBKDF2 that takes so many iterations.
void add_key(Luks2Image& image, unsigned id, std::string_view text, std::uint32_t iterations) {
  const Bytes salt = pattern(32, 200 + id);
  Bytes area_key(32);
  pbkdf2(Hash::sha256, to_bytes(text), salt, iterations, area_key);
  image.add_key(id,
                {{"type", "pbkdf2"},
                 {"hash", "sha256"},
                 {"iterations", iterations},
                 {"salt", to_base64(salt)}},
                area_key);
}

// Key slots 0 ("zero"), 1 ("one") and 2 ("two") of LUKS2.
Luks2Image three_slots() {
  Luks2Image image;
  image.add_key(0, "zero");
  image.add_key(1, "one");
  image.add_key(2, "two");
  return image;
}

json argon2_kdf(const char* type, std::uint32_t time, std::uint32_t memory, std::uint32_t cpus) {
  return {{"type", type},
          {"time", time},
          {"memory", memory},
          {"cpus", cpus},
          {"salt", to_base64(pattern(32, 9))}};
}

TEST(UnlockTest, TheRightSecretOpensLuks1) {
  Luks1Image image;
  image.add_key(0, "secret");
  const Unlocked unlocked = try_unlock(image.bytes, {"secret"});
  EXPECT_EQ(unlocked.keyslot, 0U);
  EXPECT_EQ(to_hex(unlocked.volume_key.span()), to_hex(image.volume_key));
}

TEST(UnlockTest, TheRightSecretOpensLuks1WithOtherCiphers) {
  Luks1Image cbc("aes", "cbc-essiv:sha256", 32);
  cbc.add_key(0, "secret");
  EXPECT_EQ(to_hex(try_unlock(cbc.bytes, {"secret"}).volume_key.span()), to_hex(cbc.volume_key));
  Luks1Image xts("aes", "xts-plain64", 64);
  xts.add_key(0, "secret");
  EXPECT_EQ(to_hex(try_unlock(xts.bytes, {"secret"}).volume_key.span()), to_hex(xts.volume_key));
}

TEST(UnlockTest, TheRightSecretOpensLuks2) {
  Luks2Image image;
  image.add_key(0, "secret");
  const Unlocked unlocked = try_unlock(image.bytes(), {"secret"});
  EXPECT_EQ(unlocked.keyslot, 0U);
  EXPECT_EQ(to_hex(unlocked.volume_key.span()), to_hex(image.volume_key));
}

TEST(UnlockTest, TheRightSecretOpensSlotsWithArgon2) {
  for (const char* type : {"argon2i", "argon2id"}) {
    Luks2Image image;
    Bytes area_key(32);
    argon2(std::string_view(type) == "argon2i" ? Argon2Variant::i : Argon2Variant::id,
           to_bytes("secret"), pattern(32, 9), {1, 64, 2}, area_key);
    image.add_key(0, argon2_kdf(type, 1, 64, 2), area_key);
    EXPECT_EQ(to_hex(try_unlock(image.bytes(), {"secret"}).volume_key.span()),
              to_hex(image.volume_key))
        << type;
  }
}

TEST(UnlockTest, SecretsAreBytesOfAnyKind) {
  const std::string_view bytes("\0\xff\n", 3);
  Luks2Image image;
  image.add_key(0, bytes);
  EXPECT_EQ(try_unlock(image.bytes(), {bytes}).keyslot, 0U);
  EXPECT_THROW(try_unlock(image.bytes(), {bytes.substr(1)}), Error);
}

TEST(UnlockTest, EverySlotIsTried) {
  const Bytes image = three_slots().bytes();
  EXPECT_EQ(try_unlock(image, {"zero"}).keyslot, 0U);
  EXPECT_EQ(try_unlock(image, {"one"}).keyslot, 1U);
  EXPECT_EQ(try_unlock(image, {"two"}).keyslot, 2U);
  Luks1Image luks1;
  luks1.add_key(0, "zero");
  luks1.add_key(7, "seven");
  EXPECT_EQ(try_unlock(luks1.bytes, {"seven"}).keyslot, 7U);
}

TEST(UnlockTest, EverySecretIsTried) {
  const Bytes image = three_slots().bytes();
  EXPECT_EQ(try_unlock(image, {"wrong", "too", "two"}).keyslot, 2U);
}

TEST(UnlockTest, AnEarlierSecretGoesBeforeAnEarlierSlot) {
  const Bytes image = three_slots().bytes();
  EXPECT_EQ(try_unlock(image, {"two", "zero"}).keyslot, 2U);
}

TEST(UnlockTest, AWrongSecretMatchesNoSlot) {
  Luks1Image luks1;
  luks1.add_key(0, "secret");
  for (const Bytes& image : {luks1.bytes, three_slots().bytes()}) {
    expect_error(ErrorKind::wrong_secret, "the secret does not match any key slot",
                 [&] { try_unlock(image, {"wrong"}); });
  }
  expect_error(ErrorKind::wrong_secret, "none of the secrets matches any key slot", [&] {
    try_unlock(luks1.bytes, {"wrong", "Secret"});
  });
}

TEST(UnlockTest, TheMessageNeverHoldsTheSecret) {
  EXPECT_EQ(message_of(three_slots().bytes(), {"hunter2\n"}).find("hunter2"), std::string::npos);
}

TEST(UnlockTest, ASecretWithANewlineAtItsEndGetsAHint) {
  const Bytes image = three_slots().bytes();
  EXPECT_NE(message_of(image, {"one\n"}).find("passphrase=+FILE"), std::string::npos);
  EXPECT_NE(message_of(image, {"wrong", "one\n"}).find("ends in a newline"), std::string::npos);
  EXPECT_EQ(message_of(image, {"o\nne"}).find("newline"), std::string::npos);
}

TEST(UnlockTest, APreferredSlotIsTriedFirst) {
  // Both slots open with the same secret, so that the one which is tried first is the one told.
  Luks2Image image;
  image.add_key(0, "same");
  image.add_key(1, "same");
  EXPECT_EQ(try_unlock(image.bytes(), {"same"}).keyslot, 0U);
  image.metadata["keyslots"]["1"]["priority"] = 2;
  EXPECT_EQ(try_unlock(image.bytes(), {"same"}).keyslot, 1U);
}

TEST(UnlockTest, ASlotWithPriorityIgnoreIsTriedOnlyWhenAskedFor) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["1"]["priority"] = 0;
  expect_error(ErrorKind::wrong_secret,
               "any key slot; not tried for their priority 'ignore': 1 (keyslot=N tries one)",
               [&] { try_unlock(image.bytes(), {"one"}); });
  EXPECT_EQ(try_unlock(image.bytes(), {"one"}, 1).keyslot, 1U);
}

TEST(UnlockTest, WhenAllSlotsAreIgnoredTheMessageSaysSo) {
  Luks2Image image;
  image.add_key(0, "zero");
  image.metadata["keyslots"]["0"]["priority"] = 0;
  expect_error(ErrorKind::wrong_secret, "priority 'ignore'",
               [&] { try_unlock(image.bytes(), {"zero"}); });
}

TEST(UnlockTest, OnlyMeansOnlyThatSlot) {
  const Bytes image = three_slots().bytes();
  EXPECT_EQ(try_unlock(image, {"one"}, 1).keyslot, 1U);
  expect_error(ErrorKind::wrong_secret, "the secret does not match key slot 0",
               [&] { try_unlock(image, {"one"}, 0); });
}

TEST(UnlockTest, ASlotThatIsNotInUseIsAMistakeOfTheUser) {
  expect_error(ErrorKind::usage, "key slot 5 is not in use",
               [] { try_unlock(three_slots().bytes(), {"one"}, 5); });
}

// The slot is sound and would open; only the digest does not list it.
TEST(UnlockTest, AnUnboundSlotIsNeverTried) {
  Luks2Image image = three_slots();
  image.metadata["digests"]["1"] = image.metadata["digests"]["0"];
  image.metadata["digests"]["0"]["keyslots"] = json::array({"0"});
  image.metadata["digests"]["1"]["keyslots"] = json::array({"1", "2"});
  image.metadata["digests"]["1"]["segments"] = json::array();
  expect_error(ErrorKind::wrong_secret, "any key slot",
               [&] { try_unlock(image.bytes(), {"one"}); });
  expect_error(ErrorKind::usage, "key slot 1 does not hold the key of this volume (unbound)",
               [&] { try_unlock(image.bytes(), {"one"}, 1); });
}

TEST(UnlockTest, AKeyThatTheDigestDoesNotKnowIsNotGivenOut) {
  Luks2Image luks2;
  luks2.add_key(0, "secret");
  luks2.metadata["digests"]["0"]["digest"] = to_base64(pattern(32, 1));
  expect_error(ErrorKind::wrong_secret, "does not match any key slot",
               [&] { try_unlock(luks2.bytes(), {"secret"}); });
  Luks1Image luks1;
  luks1.add_key(0, "secret");
  luks1.bytes[luksdetached::testing::luks1::mk_digest + 19] ^= std::byte{1};
  expect_error(ErrorKind::wrong_secret, "does not match any key slot",
               [&] { try_unlock(luks1.bytes, {"secret"}); });
}

TEST(UnlockTest, OneChangedByteOfTheKeyMaterialIsEnough) {
  Luks1Image image;
  image.add_key(0, "secret");
  for (const std::size_t at : {4096U, 4096U + 64000U, 4096U + 127999U}) {
    Bytes bytes = image.bytes;
    bytes[at] ^= std::byte{1};
    EXPECT_THROW(try_unlock(bytes, {"secret"}), Error) << at;
  }
}

// ---- limits ----

TEST(UnlockTest, CostsAboveTheLimitsAreRefusedBeforeTheyArePaid) {
  struct Row {
    const char* name;
    json kdf;
    const char* word;
  };
  const Row table[] = {
      {"memory of 2^32 - 1 KiB", argon2_kdf("argon2id", 1, UINT32_MAX, 1),
       "Argon2 memory in KiB: the header asks for 4294967295, the limit is 4194304"},
      {"memory just above 4 GiB", argon2_kdf("argon2i", 1, (4U << 20) + 1, 1),
       "Argon2 memory in KiB"},
      {"2^32 - 1 passes", argon2_kdf("argon2id", UINT32_MAX, 1024, 1),
       "Argon2 passes over its memory: the header asks for 4294967295, the limit is 65536"},
      {"2^32 - 1 passes over little", argon2_kdf("argon2id", UINT32_MAX, 64, 1), "Argon2 passes"},
      {"65 lanes", argon2_kdf("argon2id", 1, 65536, 65),
       "Argon2 lanes: the header asks for 65, the limit is 64"},
      {"2^32 - 1 iterations",
       {{"type", "pbkdf2"},
        {"hash", "sha256"},
        {"iterations", UINT32_MAX},
        {"salt", to_base64(pattern(32))}},
       "PBKDF2 iterations: the header asks for 4294967295, the limit is 100000000"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    Luks2Image image;
    image.add_key(0, "secret");
    image.metadata["keyslots"]["0"]["kdf"] = row.kdf;
    const auto begin = std::chrono::steady_clock::now();
    expect_error(ErrorKind::key_derivation, row.word,
                 [&] { try_unlock(image.bytes(), {"secret"}); });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  }
}

TEST(UnlockTest, ADigestThatCostsTooMuchIsRefusedToo) {
  Luks2Image image;
  image.add_key(0, "secret");
  image.metadata["digests"]["0"]["iterations"] = UINT32_MAX;
  expect_error(ErrorKind::key_derivation, "PBKDF2 iterations",
               [&] { try_unlock(image.bytes(), {"secret"}); });
}

TEST(UnlockTest, CostsAtTheLimitArePaid) {
  Luks2Image image;
  image.add_key(0, "secret");  // 3 iterations, the digest has 2
  EXPECT_EQ(try_unlock(image.bytes(), {"secret"}, {}, {.iterations_max = 3}).keyslot, 0U);
  expect_error(ErrorKind::key_derivation, "asks for 3, the limit is 2",
               [&] { try_unlock(image.bytes(), {"secret"}, {}, {.iterations_max = 2}); });
}

// Attempts are paid for as if one were made after the other, each with its digest.
TEST(UnlockTest, SlotsBesideEachOtherCostWhatTheyCostOneByOne) {
  constexpr std::uint32_t most = 20'000;
  Luks2Image image;
  for (unsigned id = 0; id < 3; ++id) {
    image.add_key(id, "secret");
    json& slot = image.metadata["keyslots"][std::to_string(id)];
    slot["area"]["key_size"] = 64;  // two blocks of 32 bytes
    slot["kdf"]["iterations"] = most;
  }
  // Four times the most that one may have are 80000; the digest has 2.
  expect_error(
      ErrorKind::key_derivation,
      "key slot 1 cannot be tried: PBKDF2 iterations: the header asks for 40000, and 39998 "
      "are left",
      [&] { try_unlock(image.bytes(), {"wrong"}, {}, {.iterations_max = most}); });
}

// ---- slots beside each other ----

// The first slot takes longest: others that open as well are done long before.
TEST(UnlockTest, TheFirstSlotThatOpensCountsHoweverLongItTakes) {
  Luks2Image image;
  add_key(image, 0, "same", 300'000);
  for (unsigned id = 1; id < 6; ++id) image.add_key(id, "same");
  EXPECT_EQ(try_unlock(image.bytes(), {"same"}).keyslot, 0U);
  EXPECT_EQ(try_unlock(image.bytes(), {"wrong", "same"}).keyslot, 0U);
}

// Slots behind the one that opens would take minutes.
TEST(UnlockTest, SlotsBehindTheOneThatOpensKeepNobodyWaiting) {
  Luks2Image image = three_slots();
  for (const char* id : {"1", "2"})
    image.metadata["keyslots"][id]["kdf"]["iterations"] = 100'000'000;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(try_unlock(image.bytes(), {"zero"}).keyslot, 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(UnlockTest, Argon2BetweenSlotsWithPbkdf2HasItsTurn) {
  Luks2Image image;
  Bytes area_key(32);
  argon2(Argon2Variant::id, to_bytes("one"), pattern(32, 9), {1, 64, 2}, area_key);
  image.add_key(0, "zero");
  image.add_key(1, argon2_kdf("argon2id", 1, 64, 2), area_key);
  image.add_key(2, "two");
  image.add_key(3, "three");
  const Bytes bytes = image.bytes();
  EXPECT_EQ(try_unlock(bytes, {"zero"}).keyslot, 0U);
  EXPECT_EQ(try_unlock(bytes, {"one"}).keyslot, 1U);
  EXPECT_EQ(try_unlock(bytes, {"two"}).keyslot, 2U);
  EXPECT_EQ(try_unlock(bytes, {"wrong", "three"}).keyslot, 3U);
}

TEST(UnlockTest, ARefusedSlotBetweenOthersDoesNotMixUpTheirKeys) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["1"]["kdf"]["iterations"] = UINT32_MAX;
  const Bytes bytes = image.bytes();
  EXPECT_EQ(try_unlock(bytes, {"two"}).keyslot, 2U);
  EXPECT_EQ(try_unlock(bytes, {"wrong", "two"}).keyslot, 2U);
}

// ---- slots that cannot be tried ----

TEST(UnlockTest, ASlotThatCannotBeTriedDoesNotHinderTheOthers) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["0"]["kdf"] = argon2_kdf("argon2id", 1, UINT32_MAX, 1);
  EXPECT_EQ(try_unlock(image.bytes(), {"one"}).keyslot, 1U);
}

TEST(UnlockTest, WhenTheOthersDoNotOpenTheSlotOverItsLimitIsTheReason) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["0"]["kdf"] = argon2_kdf("argon2id", 1, UINT32_MAX, 1);
  expect_error(ErrorKind::key_derivation, "key slot 0 cannot be tried",
               [&] { try_unlock(image.bytes(), {"wrong"}); });
}

TEST(UnlockTest, AnUnusableSlotIsMentionedWhenTheOthersDoNotOpen) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["1"]["area"]["encryption"] = "blowfish-xts-plain64";
  const Bytes bytes = image.bytes();
  EXPECT_EQ(try_unlock(bytes, {"two"}).keyslot, 2U);
  expect_error(ErrorKind::wrong_secret, "key slot 1 cannot be tried",
               [&] { try_unlock(bytes, {"wrong"}); });
  EXPECT_NE(message_of(bytes, {"wrong"}).find("blowfish"), std::string::npos);
}

TEST(UnlockTest, WhenNoSlotCanBeTriedThatIsNotTheSecretsFault) {
  Luks2Image image;
  image.add_key(0, "secret");
  image.metadata["keyslots"]["0"]["kdf"]["type"] = "scrypt";
  expect_error(ErrorKind::unsupported, "key slot 0 cannot be tried",
               [&] { try_unlock(image.bytes(), {"secret"}); });
}

// The first complaint must not hide a later one that weighs more: the secret may fit the slot that
// was over its limit.
TEST(UnlockTest, ASlotOverItsLimitIsToldEvenBehindAnUnusableOne) {
  Luks2Image image = three_slots();
  image.metadata["keyslots"]["0"]["area"]["encryption"] = "blowfish-xts-plain64";
  image.metadata["keyslots"]["1"]["kdf"] = argon2_kdf("argon2id", 1, UINT32_MAX, 1);
  expect_error(ErrorKind::key_derivation, "key slot 1 cannot be tried",
               [&] { try_unlock(image.bytes(), {"wrong"}); });
}

}  // namespace
}  // namespace luksdetached::luks
