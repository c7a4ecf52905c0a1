#include "export/export_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace luksdetached {
namespace {

using namespace std::chrono_literals;

// Exports of headers that do not exist: what is kept is their number, not what is in them.
class ExportKeeperTest : public ::testing::Test {
 protected:
  static WantedExport missing(const std::string& name) {
    WantedExport wanted{name, {}, Access::read_only};
    wanted.options.headers = {"/nonexistent/header"};
    wanted.options.payload = "/nonexistent/payload";
    return wanted;
  }

  ExportEvents events() {
    const auto ignore = [](const std::string&, const std::string&) {};
    return {ignore,
            ignore,
            [this](const auto&, const auto&) { ++failures_; },
            ignore,
            [](const std::string&) {},
            ignore};
  }

  static bool soon(const std::function<bool()>& holds) {
    for (int n = 0; n < 3000 && !holds(); ++n) std::this_thread::sleep_for(10ms);
    return holds();
  }

  std::atomic<int> failures_ = 0;
  ExportRegistry registry_;
};

TEST_F(ExportKeeperTest, OpensWhatIsThereAtTheStart) {
  registry_.follow({missing("a"), missing("b")}, events());
  ExportKeeper keeper(registry_, events(), [] { return std::vector<WantedExport>{}; });
  EXPECT_EQ(registry_.statuses()[0].state, ExportState::waiting);
  keeper.start();
  EXPECT_TRUE(soon([&] { return failures_ == 2; }));
  EXPECT_TRUE(keeper.stop(10s));
}

TEST_F(ExportKeeperTest, FollowsTheConfigWhenItIsToldTo) {
  std::atomic<int> reads = 0;
  ExportKeeper keeper(registry_, events(), [&] {
    return std::vector<WantedExport>(static_cast<std::size_t>(++reads), missing("a"));
  });
  keeper.start();
  EXPECT_EQ(keeper.status().reloads, 0u);
  keeper.reload();
  EXPECT_TRUE(soon([&] { return keeper.status().reloads == 1; }));
  EXPECT_EQ(registry_.statuses().size(), 1u);
  EXPECT_EQ(keeper.status().error, "");
}

// Who asks while another reload is under way wants what the file says now, not what it said then.
TEST_F(ExportKeeperTest, WhatIsAskedDuringAReloadIsAnsweredByTheNextOne) {
  std::atomic<int> reads = 0;
  std::atomic<bool> goes_on = true;
  ExportKeeper keeper(registry_, events(), [&] {
    ++reads;
    while (reads == 1 && goes_on) std::this_thread::sleep_for(1ms);
    return std::vector<WantedExport>{};
  });
  keeper.start();
  keeper.reload();
  ASSERT_TRUE(soon([&] { return reads == 1; }));
  keeper.reload();
  EXPECT_EQ(keeper.status().asked, 2u);
  EXPECT_EQ(keeper.status().answered, 0u);
  goes_on = false;
  EXPECT_TRUE(soon([&] { return keeper.status().answered == 2; }));
  EXPECT_EQ(reads, 2);
}

TEST_F(ExportKeeperTest, AMistakeChangesNothingAndIsSaid) {
  registry_.follow({missing("a")}, events());
  bool mistake = true;
  ExportKeeper keeper(registry_, events(), [&]() -> std::vector<WantedExport> {
    if (mistake) throw std::runtime_error("c.toml:1:1: a mistake");
    return {};
  });
  keeper.start();
  keeper.reload();
  ASSERT_TRUE(soon([&] { return keeper.status().reloads == 1; }));
  EXPECT_EQ(keeper.status().error, "c.toml:1:1: a mistake");
  EXPECT_EQ(registry_.statuses().size(), 1u);
  mistake = false;
  keeper.reload();
  ASSERT_TRUE(soon([&] { return keeper.status().reloads == 2; }));
  EXPECT_EQ(keeper.status().error, "");
  EXPECT_EQ(registry_.statuses().size(), 0u);
}

// It would take access away only when somebody has written to a FIFO, or a server has answered.
TEST_F(ExportKeeperTest, FollowsTheConfigWhileAnExportIsBeingOpened) {
  registry_.follow({missing("a")}, events());
  std::atomic<bool> goes_on = true;
  ExportEvents slow = events();
  slow.failed = [&](const auto&, const auto&) {
    ++failures_;
    while (goes_on) std::this_thread::sleep_for(1ms);
  };
  ExportKeeper keeper(registry_, slow, [] { return std::vector<WantedExport>{}; });
  keeper.start();
  ASSERT_TRUE(soon([&] { return failures_ == 1; }));
  keeper.reload();
  EXPECT_TRUE(soon([&] { return keeper.status().reloads == 1; }));
  EXPECT_EQ(registry_.statuses().size(), 0u);
  goes_on = false;
  EXPECT_TRUE(keeper.stop(10s));
}

// A key derivation: nobody can interrupt it.
TEST_F(ExportKeeperTest, StopDoesNotWaitLongerThanItIsTold) {
  std::atomic<bool> goes_on = true;
  ExportKeeper keeper(registry_, events(), [&] {
    while (goes_on) std::this_thread::sleep_for(1ms);
    return std::vector<WantedExport>{};
  });
  keeper.start();
  keeper.reload();
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(keeper.stop(100ms));
  goes_on = false;
  EXPECT_TRUE(keeper.stop(10s));
}

}  // namespace
}  // namespace luksdetached
