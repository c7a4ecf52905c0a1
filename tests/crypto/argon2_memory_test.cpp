#include "crypto/argon2_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace luksdetached {
namespace {

constexpr std::size_t blocks = 4096;

bool is_zero(const Argon2Block& block) {
  return std::ranges::all_of(block.words, [](std::uint64_t word) { return word == 0; });
}

// What the kernel says of the mapping that `address` is in (proc(5), smaps).
std::string flags_of(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream text(line); text >> std::hex >> begin >> dash >> end && dash == '-') {
      const auto here_is = reinterpret_cast<std::uintptr_t>(address);
      here = begin <= here_is && here_is < end;
    }
    if (here && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

TEST(Argon2MemoryTest, IsZeroAndAligned) {
  Argon2Memory memory(blocks, 2);
  ASSERT_EQ(memory.blocks().size(), blocks);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.blocks().data()) % 64, 0U);
  EXPECT_TRUE(std::ranges::all_of(memory.blocks(), is_zero));
}

TEST(Argon2MemoryTest, IsKeptOutOfCoreDumps) {
  Argon2Memory memory(blocks, 1);
  EXPECT_NE(flags_of(memory.blocks().data()).find(" dd "), std::string::npos);
}

TEST(Argon2MemoryTest, IsInHugePagesWhereThereAreSome) {
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) {
    GTEST_SKIP() << "this kernel has no huge pages";
  }
  Argon2Memory memory(blocks, 1);
  EXPECT_NE(flags_of(memory.blocks().data()).find(" hg "), std::string::npos);
}

// That it is wiped before it goes, tests/interop/secrets-are-wiped.sh shows.

}  // namespace
}  // namespace luksdetached
