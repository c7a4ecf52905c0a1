#include "crypto/secure_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::in_child;

// What /proc/self/smaps says of the mapping that `address` is in.
struct Mapping {
  unsigned long locked_kib = 0;
  std::string flags;  // " rd wr …", with a blank at both ends

  bool has(const char* flag) const {
    return flags.find(" " + std::string(flag) + " ") != std::string::npos;
  }
};

Mapping mapping_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  Mapping mapping;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("Locked:")) {
      std::sscanf(line.c_str(), "Locked: %lu kB", &mapping.locked_kib);
    } else if (inside && line.starts_with("VmFlags:")) {
      mapping.flags = line.substr(std::strlen("VmFlags:")) + " ";
    }
  }
  return mapping;
}

bool all_are(std::span<const std::byte> bytes, unsigned value) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [&](std::byte b) { return b == static_cast<std::byte>(value); });
}

// Puts memory that can still be read afterwards under the pages of a buffer.
class Window {
 public:
  Window(std::byte* data, std::size_t bytes) : bytes_(bytes), fd_(memfd_create("window", 0)) {
    if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) throw std::runtime_error("ftruncate");
    if (mmap(data, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED) {
      throw std::runtime_error("mmap");
    }
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { close(fd_); }

  testing::Bytes contents() const {
    testing::Bytes bytes(bytes_);
    if (pread(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("pread");
    }
    return bytes;
  }

 private:
  std::size_t bytes_;
  int fd_;
};

TEST(SecureBufferTest, BeginsAsZeros) {
  const SecureBuffer buffer(10000);
  EXPECT_EQ(buffer.size(), 10000U);
  EXPECT_TRUE(all_are(buffer.span(), 0));
}

TEST(SecureBufferTest, OfNoBytesAllocatesNothing) {
  const SecureBuffer buffer(0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.data(), nullptr);
}

TEST(SecureBufferTest, HasPagesOfItsOwn) {
  const SecureBuffer a(1);
  const SecureBuffer b(1);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % page, 0U);
  EXPECT_NE(reinterpret_cast<std::uintptr_t>(a.data()) / page,
            reinterpret_cast<std::uintptr_t>(b.data()) / page);
}

TEST(SecureBufferTest, IsLeftOutOfCoreDumps) {
  const SecureBuffer buffer(5000);
  EXPECT_TRUE(mapping_of(buffer.data()).has("dd"));
  EXPECT_TRUE(mapping_of(buffer.data() + 4999).has("dd"));
}

#ifdef LUKSDETACHED_MLOCK_WORKS
TEST(SecureBufferTest, IsLockedIntoMemory) {
  const SecureBuffer buffer(5000);
  const Mapping mapping = mapping_of(buffer.data());
  EXPECT_TRUE(mapping.has("lo")) << mapping.flags;
  EXPECT_GE(mapping.locked_kib, 8U);
  EXPECT_TRUE(mapping_of(buffer.data() + 4999).has("lo"));
}

TEST(SecureBufferTest, ALimitOfLockedMemoryThatIsTooSmallIsNamedWithTheOneThatIsNeeded) {
  const std::string outcome = in_child([]() -> std::string {
    const rlimit limit{64 << 10, 64 << 10};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "setrlimit failed";
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return "setresuid failed";
    const SecureBuffer fits(4096);
    try {
      const SecureBuffer too_large(std::size_t{1} << 20);
    } catch (const Error& error) {
      return (error.kind() == ErrorKind::key_derivation ? "key_derivation: " : "other kind: ") +
             std::string(error.what());
    }
    return "it was locked";
  });
  EXPECT_EQ(outcome.rfind("key_derivation: cannot lock memory for key material", 0), 0U) << outcome;
  EXPECT_NE(outcome.find("the limit for locked memory is 64 KiB"), std::string::npos) << outcome;
  EXPECT_NE(outcome.find("at least 1028 KiB are needed"), std::string::npos) << outcome;
}

TEST(SecureBufferTest, LockAgainLocksInTheChildAndKeepsThePagesFromItsChildren) {
  SecureBuffer buffer(5000);
  std::fill_n(buffer.data(), buffer.size(), std::byte{7});
  const std::string outcome = in_child([&]() -> std::string {
    if (mapping_of(buffer.data()).has("lo")) return "a fork keeps locks: this proves nothing";
    buffer.lock_again();
    const Mapping mapping = mapping_of(buffer.data());
    return std::string(mapping.has("lo") ? "locked" : "not locked") +
           (mapping.has("dc") ? ", not copied by fork" : ", copied by fork") +
           (mapping.has("dd") ? ", not dumped" : ", dumped") +
           (all_are(buffer.span(), 7) ? ", contents kept" : ", contents lost");
  });
  EXPECT_EQ(outcome, "locked, not copied by fork, not dumped, contents kept");
}
#endif

TEST(SecureBufferTest, LockAgainOfNothingIsAllowed) {
  SecureBuffer nothing;
  EXPECT_NO_THROW(nothing.lock_again());
}

TEST(SecureBufferTest, IsWipedBeforeItGoes) {
  constexpr std::size_t pages = 8192;
  auto buffer = std::make_optional<SecureBuffer>(5000);
  const Window window(buffer->data(), pages);
  std::fill_n(buffer->data(), pages, std::byte{0x55});
  ASSERT_TRUE(all_are(window.contents(), 0x55));
  buffer.reset();
  EXPECT_TRUE(all_are(window.contents(), 0));
}

TEST(SecureBufferTest, IsWipedWhenAnotherIsMovedIntoIt) {
  SecureBuffer buffer(4096);
  const Window window(buffer.data(), 4096);
  std::fill_n(buffer.data(), 4096, std::byte{0x55});
  buffer = SecureBuffer(1);
  EXPECT_TRUE(all_are(window.contents(), 0));
  EXPECT_EQ(buffer.size(), 1U);
}

TEST(SecureBufferTest, MovingHandsOverTheSamePages) {
  SecureBuffer first(100);
  const std::byte* const data = first.data();
  first.data()[99] = std::byte{9};
  SecureBuffer second(std::move(first));
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second.size(), 100U);
  EXPECT_EQ(second.data()[99], std::byte{9});
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is left is what is tested
  EXPECT_EQ(first.data(), nullptr);
}

TEST(SecureBufferTest, MovingToItselfChangesNothing) {
  SecureBuffer buffer(10);
  SecureBuffer& same = buffer;
  buffer.data()[0] = std::byte{1};
  buffer = std::move(same);
  ASSERT_EQ(buffer.size(), 10U);
  EXPECT_EQ(buffer.data()[0], std::byte{1});
}

TEST(SecureBufferTest, TruncateWipesWhatItForgets) {
  SecureBuffer buffer(4096);
  std::fill_n(buffer.data(), 4096, std::byte{0x55});
  buffer.truncate(100);
  EXPECT_EQ(buffer.size(), 100U);
  EXPECT_TRUE(all_are(buffer.span(), 0x55));
  EXPECT_TRUE(all_are({buffer.data() + 100, 3996}, 0));
}

TEST(SecureBufferTest, TruncateDoesNotGrow) {
  SecureBuffer buffer(10);
  buffer.truncate(20);
  EXPECT_EQ(buffer.size(), 10U);
}

TEST(SecureObjectTest, ItsDestructorRunsBeforeTheWipe) {
  struct Value {
    explicit Value(int* seen) : seen_(seen) {}
    ~Value() { *seen_ = number; }
    int number = 0;

   private:
    int* seen_;
  };
  int seen = 0;
  {
    SecureObject<Value> object(&seen);
    object->number = 42;
  }
  EXPECT_EQ(seen, 42);
}

TEST(SecureObjectTest, IsWipedAfterItsDestructor) {
  auto object = std::make_optional<SecureObject<std::array<std::byte, 64>>>();
  std::byte* const data = (*object)->data();
  const Window window(data, 4096);
  std::fill_n(data, 64, std::byte{0x55});
  object.reset();
  EXPECT_TRUE(all_are(window.contents(), 0));
}

TEST(SecureObjectTest, MovingDestroysTheObjectOnce) {
  struct Counter {
    explicit Counter(int* count) : count_(count) {}
    ~Counter() { ++*count_; }

   private:
    int* count_;
  };
  int destroyed = 0;
  {
    SecureObject<Counter> first(&destroyed);
    const SecureObject<Counter> second(std::move(first));
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 1);
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST(StackWiperTest, ClearsTheVectorRegisters) {
  const std::uint64_t put = 0x5555;
  std::uint64_t left = put;
  {
    const StackWiper<4> wiper;
#if defined(__x86_64__)
    asm volatile("movq %0, %%xmm7" ::"r"(put) : "xmm7");
#else
    asm volatile("fmov d7, %0" ::"r"(put) : "v7");
#endif
  }
#if defined(__x86_64__)
  asm volatile("movq %%xmm7, %0" : "=r"(left));
#else
  asm volatile("fmov %0, d7" : "=r"(left));
#endif
  EXPECT_EQ(left, 0U);
}
#endif

TEST(WipeTest, OverwritesWithZerosAndNothingElse) {
  testing::Bytes bytes(100, std::byte{0x55});
  wipe(std::span(bytes).subspan(10, 80));
  EXPECT_TRUE(all_are(std::span(bytes).subspan(10, 80), 0));
  EXPECT_TRUE(all_are(std::span(bytes).first(10), 0x55));
  EXPECT_TRUE(all_are(std::span(bytes).last(10), 0x55));
}

TEST(WipeTest, OfNothingIsAllowed) {
  EXPECT_NO_THROW(wipe({}));
}

}  // namespace
}  // namespace luksdetached
