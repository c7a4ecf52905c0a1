#include "server/edit/write_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::in_use;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::opens;

using Check = std::function<void(const LoadedHeader&)>;

// Where the blocks of `size` bytes begin that a stage writes to, in its order.
std::vector<std::uint64_t> blocks_of(const Stage& stage, std::uint64_t size) {
  std::vector<std::uint64_t> blocks;
  for (const PlannedWrite& write : stage.writes) {
    for (std::uint64_t at = write.offset; at < write.offset + write.bytes.size(); at += 512) {
      const std::uint64_t begin = at / size * size;
      if (blocks.empty() || blocks.back() != begin) blocks.push_back(begin);
    }
  }
  return blocks;
}

// Lays over `state` what the stage writes between `begin` and `end`.
void apply(Bytes& state, const Stage& stage, std::uint64_t begin, std::uint64_t end) {
  for (const PlannedWrite& write : stage.writes) {
    const std::uint64_t first = std::max(begin, write.offset);
    const std::uint64_t last = std::min<std::uint64_t>(end, write.offset + write.bytes.size());
    if (first >= last) continue;
    const auto from = write.bytes.begin() + static_cast<std::ptrdiff_t>(first - write.offset);
    std::copy_n(from, last - first, state.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

// Has every state that a power cut can leave checked: of each stage a beginning, an end or any
// part, torn at blocks of `size`; all of the stages before it, nothing of those behind it. Stages
// of hundreds of blocks are sampled.
void replay(const LoadedHeader& before, const LoadedHeader& after, std::uint64_t size,
            const Check& check) {
  const WritePlan plan = plan_writes(before.image, &before.header, after.image, after.header);
  std::mt19937 random(1);
  Bytes done = before.image;
  for (const Stage& stage : plan) {
    SCOPED_TRACE(stage.what + ", blocks of " + std::to_string(size));
    const std::vector<std::uint64_t> blocks = blocks_of(stage, size);
    const std::size_t step = std::max<std::size_t>(1, blocks.size() / 4);
    const auto look = [&](const std::function<bool(std::size_t)>& is_written) {
      Bytes state = done;
      for (std::size_t n = 0; n < blocks.size(); ++n) {
        if (is_written(n)) apply(state, stage, blocks[n], blocks[n] + size);
      }
      ASSERT_NO_THROW(check(loaded(state)));
    };
    for (std::size_t count = 0; count <= blocks.size(); count += step) {
      look([&](std::size_t n) { return n < count; });
      look([&](std::size_t n) { return n >= count; });
      look([&](std::size_t) { return random() % 2 == 0; });
    }
    apply(done, stage, 0, done.size());
  }
  EXPECT_EQ(done, after.image);
}

void replay_at_both_sizes(const LoadedHeader& before, const LoadedHeader& after,
                          const Check& check) {
  replay(before, after, 512, check);
  replay(before, after, 4096, check);
}

Luks2Image luks2_image() {
  Luks2Image image;
  image.add_key(0, "old");
  return image;
}

// A header with key slot 0 alone. Of slot `id`, which is not in use, nothing is left, as cryptsetup
// leaves it: slot 6 lies in both sectors.
Luks1Image luks1_image(unsigned id) {
  Luks1Image image;
  image.add_key(0, "old");
  testing::put_be32(image.bytes, testing::luks1::slot(id) + testing::luks1::slot_iterations, 0);
  const std::size_t salt = testing::luks1::slot(id) + testing::luks1::slot_salt;
  std::fill_n(image.bytes.begin() + static_cast<std::ptrdiff_t>(salt), 32, std::byte{0});
  return image;
}

LoadedHeader luks1_with(unsigned id) {
  Luks1Image image;
  image.add_key(0, "old");
  image.add_key(id, "new");
  return loaded(image.bytes);
}

TEST(WritePlanTest, WhenAKeySlotOfLuks1IsAddedItOpensAsSoonAsItIsInUse) {
  for (unsigned id : {1U, 6U, 7U}) {
    SCOPED_TRACE(id);
    const LoadedHeader before = loaded(luks1_image(id).bytes);
    replay_at_both_sizes(before, luks1_with(id), [&](const LoadedHeader& state) {
      EXPECT_TRUE(opens(state, "old", 0));
      EXPECT_EQ(in_use(state, id), opens(state, "new", id));
    });
  }
}

TEST(WritePlanTest, WhenAKeySlotOfLuks1IsRemovedItIsOutOfUseBeforeItIsSpoiled) {
  for (unsigned id : {1U, 6U, 7U}) {
    SCOPED_TRACE(id);
    const LoadedHeader after = loaded(luks1_image(id).bytes);
    replay_at_both_sizes(luks1_with(id), after, [&](const LoadedHeader& state) {
      EXPECT_TRUE(opens(state, "old", 0));
      EXPECT_EQ(in_use(state, id), opens(state, "new", id));
    });
  }
}

TEST(WritePlanTest, WhenAKeySlotOfLuks2IsAddedItOpensAsSoonAsItIsInUse) {
  Luks2Image image = luks2_image();
  const LoadedHeader before = loaded(image.bytes());
  image.add_key(1, "new");
  ++image.sequence;
  const LoadedHeader after = loaded(image.bytes());
  replay_at_both_sizes(before, after, [&](const LoadedHeader& state) {
    EXPECT_TRUE(opens(state, "old", 0));
    EXPECT_EQ(in_use(state, 1), opens(state, "new", 1));
  });
}

TEST(WritePlanTest, WhenAKeySlotOfLuks2IsRemovedItIsOutOfUseBeforeItIsSpoiled) {
  Luks2Image image = luks2_image();
  Luks2Image with = image;
  with.add_key(1, "new");
  ++image.sequence;
  const LoadedHeader after = loaded(image.bytes());
  const LoadedHeader before = loaded(with.bytes());
  replay_at_both_sizes(before, after, [&](const LoadedHeader& state) {
    EXPECT_TRUE(opens(state, "old", 0));
    EXPECT_EQ(in_use(state, 1), opens(state, "new", 1));
  });
}

TEST(WritePlanTest, TheOnlyGoodCopyOfLuks2IsWrittenLast) {
  for (const std::size_t bad : {std::size_t{0}, std::size_t{16384}}) {
    SCOPED_TRACE(bad);
    Luks2Image image = luks2_image();
    Bytes damaged = image.bytes();
    damaged[bad + 5000] ^= std::byte{1};
    const LoadedHeader before = loaded(damaged);
    image.add_key(1, "new");
    ++image.sequence;
    replay_at_both_sizes(before, loaded(image.bytes()),
                         [](const LoadedHeader& state) { EXPECT_TRUE(opens(state, "old", 0)); });
  }
}

TEST(WritePlanTest, WhatIsTheSameIsNotWritten) {
  const LoadedHeader header = loaded(luks2_image().bytes());
  EXPECT_EQ(plan_writes(header.image, &header.header, header.image, header.header), WritePlan{});
}

TEST(WritePlanTest, OverADestroyedHeaderThePrimaryCopyIsWrittenLast) {
  const LoadedHeader after = loaded(luks2_image().bytes());
  const Bytes before(after.image.size(), std::byte{0x55});
  std::vector<std::string> stages;
  for (const Stage& stage : plan_writes(before, nullptr, after.image, after.header)) {
    stages.push_back(stage.what);
  }
  EXPECT_EQ(stages, (std::vector<std::string>{"key material", "the secondary copy",
                                              "the primary copy", "what was key material"}));
}

}  // namespace
}  // namespace luksdetached::edit
