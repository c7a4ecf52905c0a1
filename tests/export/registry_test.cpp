#include "export/registry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace luksdetached {
namespace {

const auto never = [] { return false; };

// One volume of 64 KiB that cryptsetup made, for all tests.
class ExportRegistryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/luksdetached-registry-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    umask(077);  // a secret that everybody can read is warned of
    std::ofstream(path("secret")) << "the secret";
    std::ofstream(path("wrong")) << "another";
    std::filesystem::permissions(
        path("secret"), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ofstream(path("payload")) << std::string(65536, 'x');
    const std::string command =
        "PATH=$PATH:/usr/sbin cryptsetup luksFormat --batch-mode --type luks1 "
        "--pbkdf-force-iterations 1000 --header " +
        path("header") + " --key-file " + path("secret") + " " + path("payload");
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(directory); }

  static std::string path(const std::string& file) { return directory + "/" + file; }

  static ExportOptions options(const std::string& secret) {
    ExportOptions result;
    result.headers = {path("header")};
    result.payload = path("payload");
    result.secrets = {{.path = path(secret)}};
    result.lock = false;
    return result;
  }

  // Notes what it is told as "what name".
  ExportEvents events() {
    return {
        .opened = [this](const auto& name, const auto&) { told.push_back("opened " + name); },
        .warning = [this](const auto& name, const auto&) { told.push_back("warning " + name); },
        .failed = [this](const auto& name, const auto&) { told.push_back("failed " + name); },
        .removed = [this](const auto& name, const auto&) { told.push_back("removed " + name); },
        .not_followed = [](const auto&) {},
        .news = [](const auto&, const auto&) {},
    };
  }

  // The exports of `wanted`, all opened that can be.
  void open_all(ExportRegistry& registry, std::vector<WantedExport> wanted) {
    registry.follow(std::move(wanted), events());
    registry.open_due(events(), never);
  }

  static int refusal(const ExportRegistry& registry, const std::string& name) {
    try {
      const Export::Client client(registry.find(name));
    } catch (const Error& error) {
      return error.errno_code();
    }
    return 0;
  }

  static std::string directory;
  std::vector<std::string> told;
};

std::string ExportRegistryTest::directory;

TEST_F(ExportRegistryTest, ServesWhatOpensAndRefusesTheRest) {
  ExportRegistry registry;
  registry.follow({{"one", options("secret"), Access::read_write},
                   {"two", options("wrong"), Access::read_only},
                   {"three", options("secret"), Access::read_only}},
                  events());
  for (const char* name : {"one", "two", "three"}) EXPECT_EQ(refusal(registry, name), ESHUTDOWN);
  EXPECT_EQ(refusal(registry, "four"), ENOENT);

  EXPECT_EQ(registry.open_due(events(), never), std::nullopt);
  EXPECT_EQ(told, (std::vector<std::string>{"opened one", "failed two", "opened three"}));
  EXPECT_EQ(refusal(registry, "one"), 0);
  EXPECT_EQ(refusal(registry, "two"), ESHUTDOWN);
  EXPECT_EQ(refusal(registry, "four"), ENOENT);
  EXPECT_EQ(refusal(registry, ""), ENOENT);

  const std::vector<ExportStatus> statuses = registry.statuses();
  ASSERT_EQ(statuses.size(), 3u);
  EXPECT_EQ(statuses[0].name, "one");
  EXPECT_EQ(statuses[0].state, ExportState::open);
  EXPECT_EQ(statuses[0].size, 65536u);
  EXPECT_TRUE(statuses[0].writable);
  EXPECT_EQ(statuses[1].state, ExportState::failed);
  EXPECT_NE(statuses[1].reason.find("cannot unlock header " + path("header")), std::string::npos);
  EXPECT_FALSE(statuses[1].is_retried);
  EXPECT_FALSE(statuses[2].writable);
}

// Without a lock on the file, and under another name: the second one must not even open it.
TEST_F(ExportRegistryTest, RefusesASecondWriterOfOnePayload) {
  std::filesystem::create_hard_link(path("payload"), path("same"));
  ExportOptions same = options("secret");
  same.payload = path("same");
  ExportRegistry registry;
  open_all(registry, {{"one", options("secret"), Access::read_write},
                      {"two", same, Access::read_write},
                      {"reader", same, Access::read_only}});
  EXPECT_EQ(told, (std::vector<std::string>{"opened one", "failed two", "opened reader"}));
  EXPECT_EQ(registry.statuses()[1].reason, "payload " + path("same") +
                                               ": export one writes it already; beside that one it "
                                               "can only be served with readonly=true");

  // When the first one is gone it may.
  open_all(registry, {{"two", same, Access::read_write}});
  std::filesystem::remove(path("same"));
  EXPECT_EQ(refusal(registry, "two"), 0);
}

TEST_F(ExportRegistryTest, AnOpenedExportIsRefusedUntilItIsStarted) {
  ExportRegistry registry;
  registry.follow({{"", options("secret"), Access::read_write}}, events());
  registry.open_first(events());
  EXPECT_EQ(refusal(registry, ""), ESHUTDOWN);
  registry.start_first();
  EXPECT_EQ(refusal(registry, ""), 0);
}

TEST_F(ExportRegistryTest, OpenThrowsTheReasonThatItNotes) {
  ExportRegistry registry;
  registry.follow({{"a", options("none"), Access::read_write}}, events());
  try {
    registry.open_first(events());
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(registry.statuses()[0].reason, error.what());
  }
}

TEST_F(ExportRegistryTest, StopsBetweenTwoExports) {
  ExportRegistry registry;
  registry.follow({{"one", options("secret"), Access::read_only},
                   {"two", options("secret"), Access::read_only}},
                  events());
  bool stop = false;
  ExportEvents stopping = events();
  stopping.opened = [&stop](const auto&, const auto&) { stop = true; };
  registry.open_due(stopping, [&stop] { return stop; });
  EXPECT_EQ(registry.statuses()[0].state, ExportState::open);
  EXPECT_EQ(registry.statuses()[1].state, ExportState::waiting);
}

TEST_F(ExportRegistryTest, WhatIsAskedForAsBeforeStaysAsItIs) {
  ExportRegistry registry;
  ExportOptions changed = options("secret");
  changed.keyslot = 0;
  open_all(registry, {{"stays", options("secret"), Access::read_only},
                      {"changes", options("secret"), Access::read_only},
                      {"goes", options("secret"), Access::read_only}});
  const std::shared_ptr<Export> stays = registry.find("stays");
  Export::Client client(stays);
  told.clear();
  open_all(registry, {{"comes", options("secret"), Access::read_only},
                      {"changes", changed, Access::read_only},
                      {"stays", options("secret"), Access::read_only}});
  EXPECT_EQ(told, (std::vector<std::string>{"removed changes", "removed goes", "opened comes",
                                            "opened changes"}));
  EXPECT_EQ(registry.find("stays"), stays);
  EXPECT_EQ(client.volume()->size(), 65536u);
  EXPECT_EQ(refusal(registry, "goes"), ENOENT);
  EXPECT_EQ(registry.statuses()[0].name, "comes");
}

TEST_F(ExportRegistryTest, WhatWasChangedIsNotSaidToBeRemoved) {
  ExportRegistry registry;
  ExportOptions changed = options("secret");
  changed.keyslot = 0;
  open_all(registry, {{"changes", options("secret"), Access::read_only},
                      {"goes", options("secret"), Access::read_only}});
  std::vector<std::string> details;
  ExportEvents keeping_details = events();
  keeping_details.removed = [&](const auto& name, const auto& detail) {
    details.push_back(name + ": " + detail);
  };
  registry.follow({{"changes", changed, Access::read_only}}, keeping_details);
  EXPECT_EQ(details, (std::vector<std::string>{"changes: it was changed", "goes: it was removed"}));
}

TEST_F(ExportRegistryTest, RulesThatChangeCloseNothing) {
  ExportRegistry registry;
  const auto with = [&](ExportRules rules) {
    return std::vector<WantedExport>{
        {"one", options("secret"), Access::read_only, std::move(rules)}};
  };
  open_all(registry, with({.description = "a"}));
  const std::shared_ptr<Export> one = registry.find("one");
  Export::Client client(one);
  EXPECT_EQ(one->rules()->description, "a");
  told.clear();
  open_all(registry, with({.list = false, .description = "b"}));
  EXPECT_EQ(registry.find("one"), one);
  EXPECT_EQ(client.volume()->size(), 65536u);
  EXPECT_EQ(one->rules()->description, "b");
  EXPECT_FALSE(registry.statuses()[0].rules->list);
  EXPECT_EQ(told, std::vector<std::string>{});
}

TEST_F(ExportRegistryTest, MoreClientsThanTheRulesAllowAreRefused) {
  ExportRegistry registry;
  open_all(registry, {{"one", options("secret"), Access::read_only, {.max_clients = 2}}});
  const Export::Client first(registry.find("one"));
  {
    const Export::Client second(registry.find("one"));
    EXPECT_EQ(refusal(registry, "one"), EPERM);
  }
  EXPECT_EQ(refusal(registry, "one"), 0);
}

TEST_F(ExportRegistryTest, ClientsOfARemovedExportAreRefused) {
  ExportRegistry registry;
  open_all(registry, {{"one", options("secret"), Access::read_write}});
  Export::Client client(registry.find("one"));
  open_all(registry, {{"two", options("secret"), Access::read_write}});
  EXPECT_EQ(refusal(registry, "two"), 0);  // although the other one has a client yet
  try {
    client.volume()->size();
    FAIL() << "served";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_code(), ESHUTDOWN);
  }
}

// Such as one to a disk that hangs. The other exports are not kept waiting for it.
TEST_F(ExportRegistryTest, ARequestThatDoesNotEndKeepsOnlyItsOwnVolume) {
  ExportRegistry registry;
  open_all(registry, {{"one", options("secret"), Access::read_write}});
  const auto client = std::make_unique<Export::Client>(registry.find("one"));
  auto request = std::make_unique<Export::Client::Use>(client->volume());
  told.clear();
  open_all(registry, {{"reader", options("secret"), Access::read_only},
                      {"writer", options("secret"), Access::read_write}});
  EXPECT_EQ(told, (std::vector<std::string>{"removed one", "opened reader", "failed writer"}));
  EXPECT_EQ(refusal(registry, "reader"), 0);
  EXPECT_TRUE(registry.statuses()[1].is_retried);
  request.reset();
  const auto due = registry.open_due(events(), never);
  ASSERT_TRUE(due);
  EXPECT_EQ(told.back(), "removed one");  // and this time wholly
  std::this_thread::sleep_until(*due);
  registry.open_due(events(), never);
  EXPECT_EQ(told.back(), "opened writer");
}

TEST_F(ExportRegistryTest, WhatIsBeingOpenedCanBeRemoved) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  ExportRegistry registry;
  registry.follow({{"one", options("fifo"), Access::read_write}}, events());
  std::thread opener([&] { registry.open_due(events(), never); });
  std::ofstream secret(path("fifo"));  // waits until somebody reads
  registry.follow({{"two", options("secret"), Access::read_write}}, events());
  EXPECT_EQ(refusal(registry, "one"), ENOENT);
  secret << "the secret";
  secret.close();
  opener.join();
  std::filesystem::remove(path("fifo"));
  EXPECT_EQ(told, (std::vector<std::string>{"removed one", "opened two", "removed one"}));
  EXPECT_EQ(refusal(registry, "two"), 0);
}

TEST_F(ExportRegistryTest, AMissingSourceIsTriedAgainAndToldOnce) {
  ExportRegistry registry;
  ExportOptions late = options("secret");
  late.payload = path("late");
  registry.follow({{"late", late, Access::read_only}}, events());
  const auto begin = ExportRegistry::Clock::now();
  const auto due = registry.open_due(events(), never);
  ASSERT_TRUE(due);
  EXPECT_GE(*due - begin, std::chrono::milliseconds(1000));
  EXPECT_TRUE(registry.statuses()[0].is_retried);
  EXPECT_EQ(registry.open_due(events(), never), due);  // not before
  std::this_thread::sleep_until(*due);
  const auto later = registry.open_due(events(), never);
  ASSERT_TRUE(later);
  EXPECT_GE(*later - *due, std::chrono::milliseconds(2000));
  EXPECT_EQ(told, (std::vector<std::string>{"failed late"}));

  std::filesystem::copy(path("payload"), path("late"));
  std::this_thread::sleep_until(*later);
  EXPECT_EQ(registry.open_due(events(), never), std::nullopt);
  std::filesystem::remove(path("late"));
  EXPECT_EQ(refusal(registry, "late"), 0);
}

// As when storage has come back, and somebody reloads while its key is derived.
TEST_F(ExportRegistryTest, WhatIsTriedAgainIsOpenedOnceAlthoughTheConfigIsFollowedMeanwhile) {
  ExportRegistry registry;
  ExportOptions late = options("secret");
  late.payload = path("late");
  const std::vector<WantedExport> wanted{{"late", late, Access::read_write}};
  registry.follow(wanted, events());
  const auto due = registry.open_due(events(), never);
  ASSERT_TRUE(due);
  std::filesystem::copy(path("payload"), path("late"));
  std::this_thread::sleep_until(*due);
  ExportEvents reloading = events();
  reloading.opened = [&](const auto& name, const auto&) {
    told.push_back("opened " + name);
    registry.follow(wanted, events());
  };
  EXPECT_EQ(registry.open_due(reloading, never), std::nullopt);
  std::filesystem::remove(path("late"));
  EXPECT_EQ(told, (std::vector<std::string>{"failed late", "opened late"}));
  EXPECT_EQ(refusal(registry, "late"), 0);
}

// The reload came while it was tried, with what was there before.
TEST_F(ExportRegistryTest, WhatFailsWhileTheConfigIsFollowedIsTriedAgainAtOnce) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  ExportRegistry registry;
  const std::vector<WantedExport> wanted{{"one", options("fifo"), Access::read_only}};
  registry.follow(wanted, events());
  std::thread opener([&] { registry.open_due(events(), never); });
  {
    std::ofstream secret(path("fifo"));  // waits until somebody reads
    registry.follow(wanted, events());
    secret << "not the secret";
  }
  while (registry.statuses()[0].state != ExportState::failed) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ofstream(path("fifo")) << "the secret";
  opener.join();
  std::filesystem::remove(path("fifo"));
  EXPECT_EQ(told, (std::vector<std::string>{"failed one", "opened one"}));
}

TEST_F(ExportRegistryTest, AWrongSecretIsTriedAgainWhenTheConfigIsFollowedAgain) {
  std::filesystem::copy(path("wrong"), path("mended"));
  ExportRegistry registry;
  open_all(registry, {{"one", options("mended"), Access::read_only}});
  EXPECT_EQ(registry.statuses()[0].state, ExportState::failed);
  std::ofstream(path("mended")) << "the secret";
  EXPECT_EQ(registry.open_due(events(), never), std::nullopt);
  EXPECT_EQ(registry.statuses()[0].state, ExportState::failed);
  open_all(registry, {{"one", options("mended"), Access::read_only}});
  std::filesystem::remove(path("mended"));
  EXPECT_EQ(registry.statuses()[0].state, ExportState::open);
}

TEST_F(ExportRegistryTest, AllThatIsRemovedIsRefused) {
  ExportRegistry registry;
  open_all(registry, {{"one", options("secret"), Access::read_only},
                      {"two", options("wrong"), Access::read_only}});
  registry.remove_all();
  EXPECT_EQ(refusal(registry, "one"), ESHUTDOWN);
  EXPECT_EQ(refusal(registry, "two"), ESHUTDOWN);
  registry.remove_all();
}

// For ThreadSanitizer: clients and the status socket look while exports are opened and removed.
TEST_F(ExportRegistryTest, AnybodyMayLookMeanwhile) {
  ExportRegistry registry;
  std::vector<WantedExport> wanted;
  for (int i = 0; i < 8; ++i) {
    wanted.push_back(
        {std::to_string(i), options(i % 2 == 0 ? "secret" : "wrong"), Access::read_only});
  }
  registry.follow(wanted, events());
  std::atomic<bool> stop = false;
  std::thread opener([&] { registry.open_due(events(), [&stop] { return stop.load(); }); });
  std::thread looker([&] {
    while (registry.statuses().back().state == ExportState::waiting) {
      if (refusal(registry, "0") != 0) continue;
      EXPECT_EQ(Export::Client(registry.find("0")).volume()->size(), 65536u);
    }
  });
  looker.join();
  registry.remove_all();  // as at the end of a service, while the opener may still be at work
  stop = true;
  opener.join();
  for (const ExportStatus& one : registry.statuses()) EXPECT_EQ(one.state, ExportState::removed);
}

}  // namespace
}  // namespace luksdetached
