#include "source/block_aligned_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "testing.h"

namespace luksdetached {
namespace {

constexpr std::size_t all = SIZE_MAX;  // extents

using testing::Bytes;
using testing::pattern;

// Memory that takes whole blocks only, and notes the addresses that it was given.
class BlockMemory final : public Source {
 public:
  BlockMemory(Bytes& disk, std::size_t block) : disk_(disk), block_(block) {}

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return disk_.size(); }
  bool writable() const noexcept override { return true; }
  std::size_t preferred_request() const noexcept override { return 65'536; }
  void read(std::span<std::byte> to, std::uint64_t offset) override {
    check(to.size(), offset);
    {
      const std::scoped_lock lock(mutex_);
      buffers.push_back(to.data());
      std::copy_n(disk_.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
    }
    if (after_read) after_read();
    // Time for another thread to come between a read and the write that follows it.
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  void write(std::span<const std::byte> from, std::uint64_t offset,
             Durability durability) override {
    check(from.size(), offset);
    const std::scoped_lock lock(mutex_);
    buffers.push_back(from.data());
    durable += durability == Durability::durable ? 1 : 0;
    std::copy(from.begin(), from.end(), disk_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void flush() override { ++flushes; }
  void discard(std::uint64_t length, std::uint64_t offset) override {
    check(length, offset);
    asked.emplace_back(offset, length);
  }
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t /*most*/) override {
    check(length, offset);
    asked.emplace_back(offset, length);
    return status;
  }
  void prefetch(std::uint64_t length, std::uint64_t offset) override {
    check(length, offset);
    asked.emplace_back(offset, length);
  }
  void start() override { started = true; }

  std::function<void()> after_read;
  std::vector<const std::byte*> buffers;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> asked;  // offset and length
  std::vector<Extent> status;
  int durable = 0;
  int flushes = 0;
  bool started = false;

 private:
  void check(std::size_t size, std::uint64_t offset) const {
    EXPECT_EQ(size % block_, 0u);
    EXPECT_EQ(offset % block_, 0u);
    EXPECT_NE(size, 0u);
    EXPECT_LE(offset + size, disk_.size());
  }

  std::string name_ = "memory";
  Bytes& disk_;
  std::size_t block_;
  std::mutex mutex_;
};

class BlockAlignedSourceTest : public ::testing::Test {
 protected:
  BlockAlignedSource make(std::size_t block) {
    auto inner = std::make_unique<BlockMemory>(disk_, block);
    memory_ = inner.get();
    return BlockAlignedSource(std::move(inner), block);
  }

  Bytes disk_ = pattern(1 << 20);
  BlockMemory* memory_ = nullptr;
};

TEST_F(BlockAlignedSourceTest, PassesAlignedRequestsWithoutACopy) {
  auto source = make(512);
  Bytes buffer(130'560);  // more than preferred_request()
  source.read(buffer, 512);
  source.write(buffer, 1'024, Durability::cached);
  EXPECT_EQ(memory_->buffers, (std::vector<const std::byte*>{buffer.data(), buffer.data()}));
}

TEST_F(BlockAlignedSourceTest, ReadsInPartsAtEveryAlignment) {
  auto source = make(512);
  for (const std::uint64_t offset : {0U, 512U, 100U}) {
    for (const std::size_t part : {512U, 1'000U, 4'096U}) {
      Bytes buffer(10'240);
      std::size_t arrived = 0;
      source.read_parts(buffer, offset, part, [&](std::span<std::byte> next) {
        EXPECT_EQ(next.data(), buffer.data() + arrived);
        EXPECT_EQ(next.size(), std::min(part, buffer.size() - arrived));
        arrived += next.size();
      });
      EXPECT_EQ(arrived, buffer.size());
      EXPECT_TRUE(std::equal(buffer.begin(), buffer.end(),
                             disk_.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
  }
}

TEST_F(BlockAlignedSourceTest, CopiesOnlyTheEndsOfALargeRequest) {
  auto source = make(4'096);
  Bytes buffer(500'000);
  source.read(buffer, 100);
  EXPECT_EQ(memory_->buffers.size(), 3u);
  EXPECT_EQ(memory_->buffers[1], buffer.data() + 65'436);
}

TEST_F(BlockAlignedSourceTest, AgreesWithAModelForEveryAlignment) {
  auto source = make(4'096);
  Bytes model = disk_;
  std::mt19937_64 random(7);
  for (int i = 0; i < 3'000; ++i) {
    const std::size_t longest = i % 10 == 0 ? 300'000 : 10'000;
    std::size_t length = 1 + random() % longest;
    std::size_t offset = random() % (disk_.size() - length + 1);
    if (i % 3 == 0) offset &= ~std::size_t{4'095};
    if (i % 5 == 0) length = std::max<std::size_t>(length & ~std::size_t{4'095}, 4'096);
    if (offset + length > disk_.size()) offset = disk_.size() - length;
    if (i % 2 == 0) {
      const Bytes data = pattern(length, random());
      source.write(data, offset, Durability::cached);
      std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
    } else {
      Bytes back(length);
      source.read(back, offset);
      ASSERT_TRUE(std::equal(back.begin(), back.end(),
                             model.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
  }
  EXPECT_EQ(disk_, model);
}

TEST_F(BlockAlignedSourceTest, LosesNoConcurrentWriteToOneBlock) {
  auto source = make(4'096);
  std::vector<std::thread> writers;
  // Each owns every eighth piece of 512 bytes: all eight share each block.
  for (unsigned self = 0; self < 8; ++self) {
    writers.emplace_back([&source, self] {
      for (unsigned round = 1; round <= 50; ++round) {
        for (std::uint64_t block = 0; block < 8; ++block) {
          const Bytes data(512, static_cast<std::byte>(self * 16 + round % 16));
          source.write(data, block * 4'096 + self * 512, Durability::cached);
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (std::size_t i = 0; i < 8 * 4'096; ++i) {
    ASSERT_EQ(static_cast<unsigned>(disk_[i]), (i / 512 % 8) * 16 + 50 % 16) << i;
  }
}

TEST_F(BlockAlignedSourceTest, DoesNotUndoAnAlignedWriteWithAnOldRead) {
  auto source = make(4'096);
  std::atomic<bool> done = false;
  std::thread neighbour([&] {
    const Bytes data(512);
    while (!done) source.write(data, 0, Durability::cached);
  });
  int undone = 0;
  for (unsigned i = 0; i < 300; ++i) {
    const Bytes data(4'096, static_cast<std::byte>(i));
    source.write(data, 0, Durability::cached);
    Bytes back(3'584);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    source.read(back, 512);
    if (!std::equal(back.begin(), back.end(), data.begin())) ++undone;
  }
  done = true;
  neighbour.join();
  EXPECT_EQ(undone, 0);
}

TEST_F(BlockAlignedSourceTest, KeepsAWritesDurability) {
  auto source = make(4'096);
  source.write(pattern(10), 5, Durability::durable);
  EXPECT_EQ(memory_->durable, 1);
}

using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

TEST_F(BlockAlignedSourceTest, DiscardsWholeBlocksOnly) {
  auto source = make(4'096);
  source.discard(20'000, 100);
  source.discard(4'096, 100);
  source.discard(4'095, 4'096);
  EXPECT_EQ(memory_->asked, (Ranges{{4'096, 12'288}}));
}

// Else the write would put back what was to be forgotten.
TEST_F(BlockAlignedSourceTest, ADiscardWaitsForTheReadModifyWriteOfItsBlock) {
  auto source = make(4'096);
  std::future<void> discard;
  memory_->after_read = [&] {
    discard = std::async(std::launch::async, [&] { source.discard(4'096, 0); });
    EXPECT_EQ(discard.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  };
  source.write(pattern(10), 5, Durability::cached);
  discard.get();
  EXPECT_EQ(memory_->asked, (Ranges{{0, 4'096}}));
}

TEST_F(BlockAlignedSourceTest, PrefetchesTheBlocksAroundARange) {
  auto source = make(4'096);
  source.prefetch(4'096, 100);
  EXPECT_EQ(memory_->asked, (Ranges{{0, 8'192}}));
}

TEST_F(BlockAlignedSourceTest, CutsExtentsToTheRange) {
  auto source = make(4'096);
  memory_->status = {{4'096, true}, {8'192, false}, {4'096, true}};
  EXPECT_EQ(source.extents(12'000, 4'000, all),
            (std::vector<Extent>{{96, true}, {8'192, false}, {3'712, true}}));
  EXPECT_EQ(memory_->asked, (Ranges{{0, 16'384}}));
}

TEST_F(BlockAlignedSourceTest, PromisesNoHoleWhenTheExtentsEndBeforeTheRange) {
  auto source = make(4'096);
  memory_->status = {{1'000, true}};
  EXPECT_EQ(source.extents(100, 4'000, all), (std::vector<Extent>{{100, false}}));
}

TEST_F(BlockAlignedSourceTest, PassesFlushAndStart) {
  auto source = make(4'096);
  source.flush();
  source.start();
  EXPECT_EQ(memory_->flushes, 1);
  EXPECT_TRUE(memory_->started);
}

}  // namespace
}  // namespace luksdetached
