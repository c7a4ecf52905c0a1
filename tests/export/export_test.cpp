#include "export/export.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../volume/chain_cipher.h"
#include "../volume/memory_source.h"
#include "base/error.h"
#include "base/range_lock.h"

namespace luksdetached {
namespace {

using namespace std::chrono_literals;

class ExportTest : public ::testing::Test {
 protected:
  std::shared_ptr<Volume> volume() {
    auto source = std::make_unique<testing::MemorySource>(testing::Bytes(4096));
    return std::make_shared<Volume>(std::move(source), std::make_unique<testing::ChainCipher>(512),
                                    DataArea{0, 4096, 512}, lock_);
  }

  // What a client that opens it, or uses it, is told; nothing when it is served.
  template <typename Action>
  static std::string refusal(Action action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.errno_code(), ESHUTDOWN);
      return error.what();
    }
    return {};
  }
  std::string refusal_to_open() const {
    return refusal([this] { const Export::Client client(one_); });
  }
  static std::string refusal_to_use(Export::Client& client) {
    return refusal([&client] { client.volume()->size(); });
  }

  RangeLock lock_;
  std::shared_ptr<Export> one_ =
      std::make_shared<Export>("vm1", ExportOptions{}, Access::read_write);
};

TEST_F(ExportTest, TellsClientsWhyItIsNotOpen) {
  EXPECT_EQ(refusal_to_open(), "export vm1 is still being unlocked");
  one_->fail("no such file", true);
  EXPECT_EQ(refusal_to_open(), "export vm1 could not be opened: no such file");
  one_->wait();
  EXPECT_EQ(refusal_to_open(), "export vm1 is still being unlocked");
  one_->serve(volume());
  EXPECT_EQ(refusal_to_open(), "");
  one_->remove();
  EXPECT_EQ(refusal_to_open(), "export vm1 was removed");
}

TEST_F(ExportTest, CountsItsClients) {
  one_->serve(volume());
  {
    const Export::Client first(one_);
    const Export::Client second(one_);
    EXPECT_EQ(one_->status().clients, 2u);
  }
  EXPECT_EQ(one_->status().clients, 0u);
}

TEST_F(ExportTest, RemovedIsForGood) {
  one_->remove();
  one_->serve(volume());
  one_->fail("no such file", false);
  one_->wait();
  EXPECT_EQ(one_->state(), ExportState::removed);
  EXPECT_EQ(one_->status().size, 0u);
}

TEST_F(ExportTest, RemovalRefusesLaterRequestsAndLeavesTheVolumeToThoseThatHaveBegun) {
  std::shared_ptr<Volume> served = volume();
  const std::weak_ptr<Volume> watched = served;
  one_->serve(std::move(served));
  Export::Client client(one_);
  Export::Client other(one_);
  std::optional<Export::Client::Use> first = client.volume();
  std::optional<Export::Client::Use> second = client.volume();
  one_->remove();
  EXPECT_EQ(refusal_to_use(client), "export vm1 was removed");
  EXPECT_EQ(refusal_to_use(other), "export vm1 was removed");
  EXPECT_EQ((*first)->size(), 4096u);
  first.reset();
  EXPECT_EQ((*second)->size(), 4096u);
  EXPECT_FALSE(watched.expired());
  second.reset();
  EXPECT_TRUE(watched.expired());  // although both clients are still there
}

TEST_F(ExportTest, RemovalLetsTheVolumeGoAtOnceWhenThereIsNoRequest) {
  std::shared_ptr<Volume> served = volume();
  const std::weak_ptr<Volume> watched = served;
  one_->serve(std::move(served));
  Export::Client client(one_);
  client.volume()->size();
  one_->remove();
  EXPECT_TRUE(watched.expired());
}

// It looks whether it may be disconnected each time, which the end of the last request must not
// miss.
TEST_F(ExportTest, AClientThatGoesOnAskingKeepsNoVolume) {
  for (int round = 0; round < 500; ++round) {
    const auto one = std::make_shared<Export>("vm1", ExportOptions{}, Access::read_write);
    std::shared_ptr<Volume> served = volume();
    const std::weak_ptr<Volume> watched = served;
    one->serve(std::move(served), {});
    Export::Client client(one);
    std::optional<Export::Client::Use> request = client.volume();
    one->remove();
    std::atomic<bool> stop = false;
    std::thread asking([&] {
      while (!stop) client.is_over();
    });
    request.reset();
    stop = true;
    asking.join();
    client.is_over();
    EXPECT_TRUE(watched.expired()) << "round " << round;
  }
}

// For ThreadSanitizer: no request finds the volume gone.
TEST_F(ExportTest, IsRemovedUnderLoad) {
  std::shared_ptr<Volume> loaded = volume();
  const std::weak_ptr<Volume> watched = loaded;
  one_->serve(std::move(loaded));
  std::atomic<int> served = 0;
  std::vector<std::unique_ptr<Export::Client>> clients;
  std::vector<std::thread> requests;
  for (int i = 0; i < 4; ++i) {
    Export::Client& client = *clients.emplace_back(std::make_unique<Export::Client>(one_));
    for (int n = 0; n < 2; ++n) {
      requests.emplace_back([&client, &served] {
        std::array<std::byte, 100> bytes{};
        while (refusal([&] { client.volume()->read(bytes, 700); }).empty()) ++served;
      });
    }
  }
  while (served < 200) std::this_thread::sleep_for(1ms);
  one_->remove();
  for (std::thread& request : requests) request.join();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace luksdetached
