#include "crypto/secure_memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

void wipe(std::span<std::byte> memory) noexcept {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

}  // namespace luksdetached
