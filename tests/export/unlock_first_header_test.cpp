#include "export/unlock_first_header.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "../luks/header_builder.h"

namespace luksdetached {
namespace {

using nlohmann::json;
using testing::Bytes;
using testing::expect_error;
using testing::Luks1Image;
using testing::Luks2Image;

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class UnlockFirstHeaderTest : public ::testing::Test {
 protected:
  UnlockFirstHeaderTest() {
    good_.add_key(0, "secret");
    other_slot_.add_key(0, "other");
    options_.secrets = {{.path = directory_.file("secret")}};
    umask(077);  // a secret that everybody can read is warned of
    write_file(options_.secrets[0].path, "secret");
  }

  // One more header: `bytes` in a file of that name.
  void add(const std::string& name, const Bytes& bytes) {
    write_file(directory_.file(name), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    options_.headers.push_back(directory_.file(name));
  }
  void add_missing(const std::string& name) { options_.headers.push_back(directory_.file(name)); }

  // Both copies unreadable.
  static Bytes damaged(Bytes bytes) {
    bytes[5000] ^= std::byte{1};
    bytes[16384 + 5000] ^= std::byte{1};
    return bytes;
  }

  // Unlocks; the name of the header that was used, without its folder.
  std::string used() {
    checked_.clear();
    warnings_.clear();
    const UnlockedHeader header = unlock_first_header(
        options_,
        [&](const std::string& uri, const LoadedHeader&) { checked_.push_back(file_of(uri)); },
        warnings_);
    EXPECT_EQ(header.unlocked.volume_key.size(), 32U);
    return file_of(header.name);
  }
  static std::string file_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  // Does one warning have all of `words`?
  void expect_warning(std::initializer_list<std::string_view> words) {
    for (const std::string& warning : warnings_) {
      if (std::all_of(words.begin(), words.end(), [&](std::string_view word) {
            return warning.find(word) != std::string::npos;
          })) {
        return;
      }
    }
    ADD_FAILURE() << "no warning of " << *words.begin() << " among " << warnings_.size()
                  << (warnings_.empty() ? "" : ": " + warnings_[0]);
  }

  testing::TempDir directory_;
  ExportOptions options_;
  Luks2Image good_;        // opened by "secret"
  Luks2Image other_slot_;  // of the same volume, opened by "other"
  std::vector<std::string> warnings_;
  std::vector<std::string> checked_;  // the headers that were about to be unlocked
};

TEST_F(UnlockFirstHeaderTest, TheFirstOneIsUsedAndTheOthersAreNotLookedAt) {
  add("first", good_.bytes());
  add_missing("missing");
  EXPECT_EQ(used(), "first");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(UnlockFirstHeaderTest, OneThatCannotBeUsedIsToldAndTheNextIsTried) {
  add_missing("missing");
  add("noise", testing::pattern(100000));
  add("damaged", damaged(good_.bytes()));
  Bytes cut = good_.bytes();
  cut.resize(40000);
  add("cut", cut);
  add("other", other_slot_.bytes());
  add("good", good_.bytes());
  EXPECT_EQ(used(), "good");
  ASSERT_EQ(warnings_.size(), 5U);
  const auto path = [&](const char* name) { return "header " + directory_.file(name); };
  EXPECT_EQ(warnings_[0], path("missing") + " is not used: cannot open " +
                              directory_.file("missing") + ": No such file or directory");
  EXPECT_TRUE(warnings_[1].starts_with(path("noise") + " is not used: there is no LUKS header"));
  EXPECT_TRUE(warnings_[2].starts_with(path("damaged") + " is not used: the LUKS header is dam"));
  EXPECT_TRUE(warnings_[3].starts_with(path("cut") + " is not used: the LUKS header is damaged"));
  EXPECT_EQ(warnings_[4], path("other") + " is not used: the secret does not match any key slot");
  EXPECT_EQ(checked_, (std::vector<std::string>{"other", "good"}));
}

TEST_F(UnlockFirstHeaderTest, DamagedKeyMaterialIsAWrongSecretAndNotTheEnd) {
  Luks1Image image;
  image.add_key(0, "secret");
  Bytes wiped = image.bytes;
  std::fill(wiped.begin() + 4096, wiped.begin() + 8192, std::byte{0});
  add("wiped", wiped);
  add("good", image.bytes);
  EXPECT_EQ(used(), "good");
}

TEST_F(UnlockFirstHeaderTest, OneThatIsNotTheRequiredOneIsToldAndTheNextIsTried) {
  Luks1Image luks1;
  luks1.add_key(0, "secret");
  add("luks1", luks1.bytes);
  add("good", good_.bytes());
  options_.require_luks = 2;
  EXPECT_EQ(used(), "good");
  expect_warning({"luks1 is not used", "require-luks=2, but it has 1"});
}

TEST_F(UnlockFirstHeaderTest, AnErasedHeaderIsToldAndTheNextIsTried) {
  Luks2Image erased;
  erased.metadata["keyslots"] = json::object();
  erased.metadata["digests"]["0"]["keyslots"] = json::array();
  erased.sequence = 8;
  add("erased", erased.bytes());
  add("good", good_.bytes());
  EXPECT_EQ(used(), "good");
  expect_warning({"erased is not used", "no key slot holds the volume's key"});
  expect_warning({"good: it is older than header", "erased (sequence 3, not 8)",
                  "a removed key slot may open again"});
}

// Its backup does not say what is being done to the volume, and would be served.
TEST_F(UnlockFirstHeaderTest, AnIntactHeaderThatIsNotServedIsTheEnd) {
  Luks2Image future = good_;
  future.metadata["config"]["requirements"]["mandatory"] = json::array({"future"});
  add("future", future.bytes());
  add("good", good_.bytes());
  expect_error(ErrorKind::unsupported, "future: the header requires 'future'", [&] { used(); });
  EXPECT_TRUE(checked_.empty());
}

// ---- of one volume ----

TEST_F(UnlockFirstHeaderTest, HeadersOfDifferentVolumesAreRefused) {
  add("other", other_slot_.bytes());
  Luks2Image larger = good_;
  larger.metadata["segments"]["0"]["sector_size"] = 4096;
  add("larger", larger.bytes());
  add("good", good_.bytes());
  expect_error(ErrorKind::policy, "the sector size is 4096, not 512; nothing is unlocked",
               [&] { used(); });
  expect_error(ErrorKind::policy, "header " + directory_.file("larger") + " is not of the same",
               [&] { used(); });
}

// What is not read cannot be compared: the first header is all that is needed.
TEST_F(UnlockFirstHeaderTest, AHeaderBehindTheOneThatUnlocksIsNotCompared) {
  add("good", good_.bytes());
  Luks2Image larger = good_;
  larger.metadata["segments"]["0"]["sector_size"] = 4096;
  add("larger", larger.bytes());
  EXPECT_EQ(used(), "good");
}

TEST_F(UnlockFirstHeaderTest, AnOlderHeaderIsUsedWithAWarning) {
  other_slot_.sequence = 5;
  add("newer", other_slot_.bytes());
  add("older", good_.bytes());
  EXPECT_EQ(used(), "older");
  expect_warning({"older: it is older than header ", "newer (sequence 3, not 5)"});
}

TEST_F(UnlockFirstHeaderTest, ANewerHeaderOrOneOfTheSameAgeIsNoReasonToWarn) {
  for (const std::uint64_t sequence : {3U, 2U}) {
    other_slot_.sequence = sequence;
    options_.headers.clear();
    add("other", other_slot_.bytes());
    add("good", good_.bytes());
    EXPECT_EQ(used(), "good");
    EXPECT_EQ(warnings_.size(), 1U);
  }
}

// ---- all fail ----

TEST_F(UnlockFirstHeaderTest, TheErrorOfTheOnlyHeaderIsItsOwn) {
  add("other", other_slot_.bytes());
  try {
    used();
    FAIL() << "it was unlocked";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "cannot unlock header " + directory_.file("other") +
                                ": the secret does not match any key slot");
  }
}

TEST_F(UnlockFirstHeaderTest, WhenAllFailEachIsToldWithItsReason) {
  add_missing("missing");
  add("damaged", damaged(good_.bytes()));
  expect_error(ErrorKind::source_unreachable,
               "no header unlocks the volume: header " + directory_.file("missing") +
                   " is not used: cannot open",
               [&] { used(); });
  expect_error(ErrorKind::source_unreachable,
               "; header " + directory_.file("damaged") + " is not used: the LUKS header is dam",
               [&] { used(); });
  add("other", other_slot_.bytes());
  expect_error(ErrorKind::wrong_secret, "other is not used: the secret does not", [&] { used(); });
}

TEST_F(UnlockFirstHeaderTest, AMistakeInALaterUriIsToldBeforeAnythingIsRead) {
  add("good", good_.bytes());
  options_.headers.emplace_back("gopher://host/");
  expect_error(ErrorKind::usage, "header: ", [&] { used(); });
}

// ---- secrets ----

TEST_F(UnlockFirstHeaderTest, SecretsAreReadOnce) {
  const std::string fifo = directory_.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  options_.secrets = {{.path = fifo}};
  add("other", other_slot_.bytes());
  add("good", good_.bytes());
  std::thread writer([&] { write_file(fifo, "secret"); });
  EXPECT_EQ(used(), "good");
  writer.join();
}

TEST_F(UnlockFirstHeaderTest, AMissingSecretIsNoReasonForTheNextHeader) {
  options_.secrets = {{.path = directory_.file("no-secret")}};
  add("other", other_slot_.bytes());
  add("good", good_.bytes());
  expect_error(ErrorKind::source_unreachable, "no-secret", [&] { used(); });
  EXPECT_EQ(checked_, std::vector<std::string>{"other"});
}

TEST_F(UnlockFirstHeaderTest, WhatTheCheckThrowsIsTheEnd) {
  add("other", other_slot_.bytes());
  add("good", good_.bytes());
  expect_error(ErrorKind::payload_too_small, "the payload", [&] {
    unlock_first_header(
        options_,
        [](const std::string&, const LoadedHeader&) {
          throw Error(ErrorKind::payload_too_small, "the payload");
        },
        warnings_);
  });
}

// The slot costs 3 iterations and the digest 2 for each header; there are 4 times as many as one
// derivation may cost.
TEST_F(UnlockFirstHeaderTest, OneBudgetIsForAllHeaders) {
  options_.kdf_iterations_max = 3;
  add("other", other_slot_.bytes());
  add("good", good_.bytes());
  EXPECT_EQ(used(), "good");
  options_.headers.insert(options_.headers.begin(), options_.headers[0]);
  expect_error(ErrorKind::wrong_secret, "are left after the key slots and secrets before",
               [&] { used(); });
}

// ---- the volume key ----

TEST_F(UnlockFirstHeaderTest, TheVolumeKeyOpensMetadataAlone) {
  write_file(directory_.file("key"),
             {reinterpret_cast<const char*>(good_.volume_key.data()), good_.volume_key.size()});
  options_.secrets.clear();
  options_.volume_key = SecretFrom{.path = directory_.file("key")};
  Bytes cut = good_.bytes();
  cut.resize(32768);
  add_missing("missing");
  add("cut", cut);
  EXPECT_EQ(used(), "cut");
  Luks2Image erased;
  erased.metadata["keyslots"] = json::object();
  erased.metadata["digests"]["0"]["keyslots"] = json::array();
  options_.headers.clear();
  add("erased", erased.bytes());
  EXPECT_EQ(used(), "erased");
}

}  // namespace
}  // namespace luksdetached
