#include "crypto/secure_memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "base/error.h"

namespace luksdetached {

namespace {

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Bytes this process has locked already (VmLck), to tell the user a limit that will do.
std::size_t locked_now() {
  std::ifstream status("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; status >> word;) {
    if (word == "VmLck:" && status >> kib) break;
  }
  return kib * 1024;
}

std::size_t lock_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur;
}

Error cannot_lock(const std::string& why, std::size_t needed) {
  return {ErrorKind::key_derivation,
          "cannot lock memory for key material: " + why + "; the limit for locked memory is " +
              std::to_string(lock_limit() / 1024) + " KiB and at least " +
              std::to_string((needed + 1023) / 1024) +
              " KiB are needed here (raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK=)",
          ENOMEM};
}

void lock_pages(std::byte* data, std::size_t bytes) {
  if (mlock(data, bytes) != 0) throw cannot_lock(errno_text(errno), locked_now() + bytes);
}

// Keys stay in registers until somebody else needs them, and whoever saves registers, such as the
// dynamic linker, puts them on the stack.
void clear_vector_registers() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) {
    // Code for the baseline knows of no registers from 16 on: they are nobody's here.
    asm volatile(
        "vpxord %zmm16, %zmm16, %zmm16\n vpxord %zmm17, %zmm17, %zmm17\n"
        "vpxord %zmm18, %zmm18, %zmm18\n vpxord %zmm19, %zmm19, %zmm19\n"
        "vpxord %zmm20, %zmm20, %zmm20\n vpxord %zmm21, %zmm21, %zmm21\n"
        "vpxord %zmm22, %zmm22, %zmm22\n vpxord %zmm23, %zmm23, %zmm23\n"
        "vpxord %zmm24, %zmm24, %zmm24\n vpxord %zmm25, %zmm25, %zmm25\n"
        "vpxord %zmm26, %zmm26, %zmm26\n vpxord %zmm27, %zmm27, %zmm27\n"
        "vpxord %zmm28, %zmm28, %zmm28\n vpxord %zmm29, %zmm29, %zmm29\n"
        "vpxord %zmm30, %zmm30, %zmm30\n vpxord %zmm31, %zmm31, %zmm31\n");
  }
  if (__builtin_cpu_supports("avx") != 0) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  } else {
    asm volatile(
        "pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
        "pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n"
        "pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n pxor %%xmm10, %%xmm10\n"
        "pxor %%xmm11, %%xmm11\n pxor %%xmm12, %%xmm12\n pxor %%xmm13, %%xmm13\n"
        "pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }
#elif defined(__aarch64__)
  asm volatile(
      "movi v0.2d, #0\n movi v1.2d, #0\n movi v2.2d, #0\n movi v3.2d, #0\n"
      "movi v4.2d, #0\n movi v5.2d, #0\n movi v6.2d, #0\n movi v7.2d, #0\n"
      "movi v8.2d, #0\n movi v9.2d, #0\n movi v10.2d, #0\n movi v11.2d, #0\n"
      "movi v12.2d, #0\n movi v13.2d, #0\n movi v14.2d, #0\n movi v15.2d, #0\n"
      "movi v16.2d, #0\n movi v17.2d, #0\n movi v18.2d, #0\n movi v19.2d, #0\n"
      "movi v20.2d, #0\n movi v21.2d, #0\n movi v22.2d, #0\n movi v23.2d, #0\n"
      "movi v24.2d, #0\n movi v25.2d, #0\n movi v26.2d, #0\n movi v27.2d, #0\n"
      "movi v28.2d, #0\n movi v29.2d, #0\n movi v30.2d, #0\n movi v31.2d, #0\n" ::
          : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
            "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
            "v26", "v27", "v28", "v29", "v30", "v31");
#endif
}

}  // namespace

SecureBuffer::SecureBuffer(std::size_t size) : size_(size) {
  if (size == 0) return;
  const std::size_t page = page_size();
  mapped_ = (size + page - 1) / page * page;
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ErrorKind::key_derivation, "out of memory for key material", ENOMEM);
  }
  data_ = static_cast<std::byte*>(memory);
  madvise(data_, mapped_, MADV_DONTDUMP);
  try {
    lock_pages(data_, mapped_);
  } catch (...) {
    munmap(data_, mapped_);
    throw;
  }
}

SecureBuffer::SecureBuffer(SecureBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

SecureBuffer& SecureBuffer::operator=(SecureBuffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
  }
  return *this;
}

SecureBuffer::~SecureBuffer() {
  release();
}

void SecureBuffer::truncate(std::size_t new_size) noexcept {
  if (new_size >= size_) return;
  wipe({data_ + new_size, size_ - new_size});
  size_ = new_size;
}

void SecureBuffer::lock_again() {
  if (data_ == nullptr) return;
  lock_pages(data_, mapped_);
  madvise(data_, mapped_, MADV_DONTFORK);
}

void SecureBuffer::release() noexcept {
  if (data_ == nullptr) return;
  wipe({data_, mapped_});
  munmap(data_, mapped_);
  data_ = nullptr;
}

void require_lock_limit() {
  const std::size_t locked = locked_now();
  if (lock_limit() < locked) throw cannot_lock("another user is to lock it again", locked);
}

// A frame of its own.
template <std::size_t kibibytes>
[[gnu::noinline]] StackWiper<kibibytes>::~StackWiper() {
  std::array<std::byte, kibibytes * 1024> frame;
  clear_vector_registers();
  wipe(frame);
}

template class StackWiper<2>;
template class StackWiper<4>;
template class StackWiper<16>;
template class StackWiper<64>;

void wipe(std::span<std::byte> memory) noexcept {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

}  // namespace luksdetached
