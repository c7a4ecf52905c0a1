#include "crypto/argon2.h"

#include <argon2.h>
#include <sys/mman.h>

#include <mutex>
#include <string>

#include "base/available_memory.h"
#include "base/error.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

int allocate(std::uint8_t** memory, std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  madvise(pages, bytes, MADV_DONTDUMP);
  *memory = static_cast<std::uint8_t*>(pages);
  return ARGON2_OK;
}

void release(std::uint8_t* memory, std::size_t bytes) {
  wipe({reinterpret_cast<std::byte*>(memory), bytes});
  munmap(memory, bytes);
}

// Beyond what a control group allows the kernel kills the process, without a word to anyone.
void require_memory(std::uint32_t kibibytes) {
  const AvailableMemory available = available_memory();
  if (available.bytes / 1024 >= kibibytes) return;
  throw Error(ErrorKind::key_derivation, "Argon2 needs " + std::to_string(kibibytes / 1024) +
                                             " MiB of memory, and " + available.limited_by +
                                             " has " + std::to_string(available.bytes >> 20) +
                                             " MiB left");
}

// libargon2 takes pointers to what it only reads; with the flags below it does not write there.
std::uint8_t* input(std::span<const std::byte> bytes) {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

}  // namespace

void argon2(Argon2Variant variant, std::span<const std::byte> secret,
            std::span<const std::byte> salt, const Argon2Cost& cost, std::span<std::byte> key) {
  argon2_context context{};
  context.out = reinterpret_cast<std::uint8_t*>(key.data());
  context.outlen = static_cast<std::uint32_t>(key.size());
  context.pwd = input(secret);
  context.pwdlen = static_cast<std::uint32_t>(secret.size());
  context.salt = input(salt);
  context.saltlen = static_cast<std::uint32_t>(salt.size());
  context.t_cost = cost.time;
  context.m_cost = cost.memory_kib;
  context.lanes = cost.lanes;
  context.threads = cost.lanes;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = allocate;
  context.free_cbk = release;
  context.flags = ARGON2_DEFAULT_FLAGS;

  // Two at once would find the same memory free.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  require_memory(cost.memory_kib);
  const int result = argon2_ctx(&context, variant == Argon2Variant::i ? Argon2_i : Argon2_id);
  if (result == ARGON2_OK) return;
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR) {
    throw Error(ErrorKind::key_derivation, "Argon2 needs " +
                                               std::to_string(cost.memory_kib / 1024) +
                                               " MiB of memory, which this process cannot have");
  }
  throw Error(ErrorKind::key_derivation,
              std::string("Argon2 failed: ") + argon2_error_message(result));
}

}  // namespace luksdetached
