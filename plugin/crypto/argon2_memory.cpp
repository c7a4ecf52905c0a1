#include "crypto/argon2_memory.h"

#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "base/available_memory.h"
#include "base/error.h"
#include "base/in_parallel.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

// A huge page for a portion takes the kernel 0.1 ms or so, small ones 0.7 ms. But a virtual machine
// may have given its free memory back to the host, most of all such that is in one piece; to have
// it again takes 5 ms.
constexpr long longest_ns = 2'000'000;

// Without the time in which other threads ran.
long cpu_time_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::string needed(std::size_t bytes) {
  return "Argon2 needs " + std::to_string(bytes >> 20) + " MiB of memory, ";
}

// Beyond what a control group allows the kernel kills the process, without a word to anyone.
void require_memory(std::size_t bytes) {
  const AvailableMemory available = available_memory();
  if (available.bytes >= bytes) return;
  throw Error(ErrorKind::key_derivation, needed(bytes) + "and " + available.limited_by + " has " +
                                             std::to_string(available.bytes >> 20) + " MiB left");
}

}  // namespace

Argon2Memory::Argon2Memory(std::size_t blocks, unsigned threads) : threads_(threads) {
  const std::size_t bytes = blocks * sizeof(Argon2Block);
  require_memory(bytes);
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    throw Error(ErrorKind::key_derivation, needed(bytes) + "which this process cannot have");
  }
  madvise(pages, bytes, MADV_DONTDUMP);
  // With small pages, where a block is in memory takes about as long to find as the block.
  madvise(pages, bytes, MADV_HUGEPAGE);
  blocks_ = {static_cast<Argon2Block*>(pages), blocks};
}

void Argon2Memory::provide(std::span<Argon2Block> blocks) noexcept {
  const long begin = cpu_time_ns();
  // A kernel before 5.14 does not know it, and provides each page when it is written.
  madvise(blocks.data(), blocks.size_bytes(), MADV_POPULATE_WRITE);
  if (cpu_time_ns() - begin > longest_ns && huge_.exchange(false)) {
    madvise(blocks_.data(), blocks_.size_bytes(), MADV_NOHUGEPAGE);
  }
}

Argon2Memory::~Argon2Memory() {
  const std::size_t part = (blocks_.size() + threads_ - 1) / threads_;
  in_parallel(threads_, [&](unsigned n) {
    const std::size_t begin = std::min(n * part, blocks_.size());
    wipe(std::as_writable_bytes(blocks_.subspan(begin, std::min(part, blocks_.size() - begin))));
  });
  munmap(blocks_.data(), blocks_.size_bytes());
}

}  // namespace luksdetached
