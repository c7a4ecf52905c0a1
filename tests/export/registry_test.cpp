#include "export/registry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace luksdetached {
namespace {

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
        .news = [](const auto&, const auto&) {},
    };
  }

  static int refusal(const ExportRegistry& registry, const std::string& name) {
    try {
      registry.volume(name);
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
  registry.add("one", options("secret"), Access::read_write);
  registry.add("two", options("wrong"), Access::read_only);
  registry.add("three", options("secret"), Access::read_only);
  for (const char* name : {"one", "two", "three"}) EXPECT_EQ(refusal(registry, name), ESHUTDOWN);
  EXPECT_EQ(refusal(registry, "four"), ENOENT);

  registry.open_and_start_all(events(), false);
  EXPECT_EQ(told, (std::vector<std::string>{"opened one", "failed two", "opened three"}));
  EXPECT_EQ(registry.volume("one").size(), 65536u);
  EXPECT_TRUE(registry.volume("one").writable());
  EXPECT_FALSE(registry.volume("three").writable());
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
  EXPECT_FALSE(statuses[2].writable);
}

// Without a lock on the file, and under another name: the second one must not even open it.
TEST_F(ExportRegistryTest, RefusesASecondWriterOfOnePayload) {
  std::filesystem::create_hard_link(path("payload"), path("same"));
  ExportOptions same = options("secret");
  same.payload = path("same");
  ExportRegistry registry;
  registry.add("one", options("secret"), Access::read_write);
  registry.add("two", same, Access::read_write);
  registry.add("reader", same, Access::read_only);
  registry.open_and_start_all(events(), false);
  std::filesystem::remove(path("same"));
  EXPECT_EQ(told, (std::vector<std::string>{"opened one", "failed two", "opened reader"}));
  EXPECT_EQ(registry.statuses()[1].reason, "payload " + path("same") +
                                               ": export one writes it already; beside that one it "
                                               "can only be served with readonly=true");
}

TEST_F(ExportRegistryTest, AnOpenedExportIsRefusedUntilItIsStarted) {
  ExportRegistry registry;
  registry.add("", options("secret"), Access::read_write);
  registry.open(0, events());
  EXPECT_EQ(refusal(registry, ""), ESHUTDOWN);
  registry.start(0);
  EXPECT_EQ(refusal(registry, ""), 0);
}

TEST_F(ExportRegistryTest, OpenThrowsTheReasonThatItNotes) {
  ExportRegistry registry;
  registry.add("a", options("none"), Access::read_write);
  try {
    registry.open(0, events());
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(registry.statuses()[0].reason, error.what());
  }
}

TEST_F(ExportRegistryTest, StopsBetweenTwoExports) {
  ExportRegistry registry;
  registry.add("one", options("secret"), Access::read_only);
  registry.add("two", options("secret"), Access::read_only);
  std::atomic<bool> stop = false;
  ExportEvents stopping = events();
  stopping.opened = [&stop](const auto&, const auto&) { stop = true; };
  registry.open_and_start_all(stopping, stop);
  EXPECT_EQ(registry.statuses()[0].state, ExportState::open);
  EXPECT_EQ(registry.statuses()[1].state, ExportState::waiting);
}

TEST_F(ExportRegistryTest, WhatIsClosedIsRefused) {
  ExportRegistry registry;
  registry.add("one", options("secret"), Access::read_only);
  registry.add("two", options("wrong"), Access::read_only);
  registry.open_and_start_all(events(), false);
  registry.close_all();
  EXPECT_EQ(refusal(registry, "one"), ESHUTDOWN);
  EXPECT_EQ(refusal(registry, "two"), ESHUTDOWN);
  registry.close_all();
}

// For ThreadSanitizer: clients and the status socket look while exports are opened and closed.
TEST_F(ExportRegistryTest, AnybodyMayLookMeanwhile) {
  ExportRegistry registry;
  for (int i = 0; i < 8; ++i) {
    registry.add(std::to_string(i), options(i % 2 == 0 ? "secret" : "wrong"), Access::read_only);
  }
  std::atomic<bool> stop = false;
  std::thread opener([&] { registry.open_and_start_all(events(), stop); });
  std::thread looker([&] {
    while (registry.statuses().back().state == ExportState::waiting) {
      if (refusal(registry, "0") != 0) continue;
      EXPECT_EQ(registry.volume("0").size(), 65536u);
    }
  });
  looker.join();
  registry.close_all();  // as at the end of a service, while the opener may still be at work
  stop = true;
  opener.join();
  registry.close_all();
  for (const ExportStatus& one : registry.statuses()) EXPECT_NE(one.state, ExportState::open);
}

}  // namespace
}  // namespace luksdetached
