#include "export/unlock_by_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "../luks/header_builder.h"

namespace luksdetached {
namespace {

using nlohmann::json;
using testing::Bytes;
using ::testing::ElementsAre;
using testing::expect_error;
using ::testing::IsEmpty;
using testing::Luks2Image;

// With a program clevis of our own: a message is a word that says what it yields, and dots.
class UnlockByTokensTest : public ::testing::Test {
 protected:
  UnlockByTokensTest() : path_(std::getenv("PATH")) {
    script(
        "[ \"$*\" = decrypt ] || exit 9\n"
        "message=$(cat)\n"
        "case $message in\n"
        "one....) printf one ;;\n"
        "line....) printf 'one\\n\\n' ;;\n"
        "newline....) echo ;;\n"
        "wrong....) printf wrong ;;\n"
        "*) echo 'nobody answers' >&2; exit 1 ;;\n"
        "esac\n");
    setenv("PATH", (folder_.file("") + ":" + path_).c_str(), 1);
  }
  ~UnlockByTokensTest() override { setenv("PATH", path_.c_str(), 1); }

  void script(const std::string& text) {
    const std::string name = folder_.file("clevis");
    std::ofstream(name) << "#!/bin/sh\n" << text;
    EXPECT_EQ(chmod(name.c_str(), 0700), 0);
  }
  std::string folder() const { return folder_.file(""); }

  // Key slots 0 ("zero") and 1 ("one"), and these tokens.
  static Luks2Image image_with(const json& tokens) {
    Luks2Image image;
    image.add_key(0, "zero");
    image.add_key(1, "one");
    image.metadata["tokens"] = tokens;
    return image;
  }

  unsigned unlock(const Bytes& image, std::optional<unsigned> only = {}) {
    luks::KdfBudget budget(luks::KdfLimits{});
    return unlock_by_tokens(luks::parse_header(image), image, only, budget,
                            [&](const std::string& text) { warnings.push_back(text); })
        .keyslot.value();
  }
  unsigned unlock(const json& tokens, std::optional<unsigned> only = {}) {
    return unlock(image_with(tokens).bytes(), only);
  }

  std::vector<std::string> warnings;

 private:
  std::string path_;
  testing::TempDir folder_;
};

json clevis(const char* message, const json& slots) {
  return {{"type", "clevis"}, {"keyslots", slots}, {"jwe", std::string(message) + "...."}};
}

json of_type(const char* type, const json& slots) {
  return {{"type", type}, {"keyslots", slots}};
}

TEST_F(UnlockByTokensTest, ClevisYieldsTheSecretOfItsKeySlot) {
  EXPECT_EQ(unlock({{"0", clevis("one", {"1"})}}), 1U);
  EXPECT_EQ(unlock({{"0", clevis("one", {"1", "0"})}}), 1U);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(UnlockByTokensTest, NewlinesAtTheEndAreLeftOutAsClevisDoes) {
  EXPECT_EQ(unlock({{"0", clevis("line", {"1"})}}), 1U);
  expect_error(ErrorKind::usage, "yields an empty passphrase", [&] {
    unlock({{"0", clevis("newline", {"1"})}});
  });
}

TEST_F(UnlockByTokensTest, ASecretIsTriedOnTheKeySlotsOfItsTokenAlone) {
  expect_error(ErrorKind::wrong_secret, "token 0 (clevis): the secret does not match key slot 0",
               [&] {
                 unlock({{"0", clevis("one", {"0"})}});
               });
}

TEST_F(UnlockByTokensTest, TheNextTokenIsAskedWhenOneFails) {
  EXPECT_EQ(unlock({{"0", of_type("systemd-tpm2", {"1"})},
                    {"1", clevis("absent", {"1"})},
                    {"2", clevis("wrong", {"1"})},
                    {"3", clevis("one", {"1"})},
                    {"4", clevis("absent", {"0"})}}),
            1U);
  EXPECT_THAT(
      warnings,
      ElementsAre("token 1 (clevis): clevis decrypt says: nobody answers",
                  "token 0 (systemd-tpm2): this version cannot use tokens of this type, only those "
                  "of clevis; give the secret of another key slot",
                  "token 1 (clevis): clevis decrypt exited with status 1; it said: nobody answers",
                  "token 2 (clevis): the secret does not match key slot 1"));
}

TEST_F(UnlockByTokensTest, WhenAllFailEachSaysWhy) {
  expect_error(ErrorKind::source_unreachable,
               "token 0 (systemd-fido2): this version cannot use tokens of this type, only those "
               "of clevis; give the secret of another key slot; token 1 (clevis): clevis decrypt "
               "exited with status 1; it said: nobody answers",
               [&] {
                 unlock({{"0", of_type("systemd-fido2", {"0"})}, {"1", clevis("absent", {"1"})}});
               });
  for (const char* type :
       {"systemd-tpm2", "systemd-fido2", "systemd-pkcs11", "luks2-keyring", "Clevis"}) {
    expect_error(ErrorKind::unsupported, "token 7 (" + std::string(type) + "): this version cannot",
                 [&] {
                   unlock({{"7", of_type(type, {"0"})}});
                 });
  }
  expect_error(ErrorKind::unsupported, "holds no message of clevis that this version can read",
               [&] {
                 unlock({{"0", of_type("clevis", {"0"})}});
               });
}

TEST_F(UnlockByTokensTest, ARecoveryKeyIsTypedAsAPassphrase) {
  expect_error(ErrorKind::unsupported,
               "its recovery key is a passphrase: give it with passphrase=", [&] {
                 unlock({{"0", of_type("systemd-recovery", {"0"})}});
               });
}

TEST_F(UnlockByTokensTest, AHeaderWithoutATokenToAskIsAMistake) {
  expect_error(ErrorKind::usage, "the header has no token for a key slot",
               [&] { unlock(json::object()); });
  expect_error(ErrorKind::usage, "the header has no token for a key slot", [&] {
    unlock({{"0", clevis("one", json::array())}});
  });
  expect_error(ErrorKind::usage, "LUKS1 has no tokens", [&] {
    testing::Luks1Image image;
    image.add_key(0, "zero");
    unlock(image.bytes);
  });
}

TEST_F(UnlockByTokensTest, AKeySlotThatIsAskedForIsTheOnlyOne) {
  const json tokens = {{"0", clevis("absent", {"0"})}, {"1", clevis("one", {"0", "1"})}};
  EXPECT_EQ(unlock(tokens, 1), 1U);
  EXPECT_THAT(warnings, IsEmpty());
  expect_error(ErrorKind::usage, "no token is for key slot 1", [&] {
    unlock({{"0", clevis("one", {"0"})}}, 1);
  });
}

TEST_F(UnlockByTokensTest, AKeySlotThatIsToBeIgnoredIsTriedOnlyWhenItIsAskedFor) {
  Luks2Image image = image_with({{"0", clevis("one", {"1"})}});
  image.metadata["keyslots"]["1"]["priority"] = 0;
  expect_error(ErrorKind::usage, "the header has no token", [&] { unlock(image.bytes()); });
  EXPECT_EQ(unlock(image.bytes(), 1), 1U);
}

TEST_F(UnlockByTokensTest, ClevisThatIsNotThereIsNamedWithItsPackage) {
  setenv("PATH", (folder() + "nowhere").c_str(), 1);
  expect_error(ErrorKind::source_unreachable,
               "token 0 (clevis): the program clevis is not installed (Debian package clevis", [&] {
                 unlock({{"0", clevis("one", {"1"})}});
               });
}

}  // namespace
}  // namespace luksdetached
