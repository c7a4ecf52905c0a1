// Bytes from a descriptor, straight into locked memory, when nobody knows beforehand how many.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "crypto/secure_memory.h"

namespace luksdetached {

/// Most bytes of a secret, as in cryptsetup.
inline constexpr std::uint64_t max_secret_bytes = std::uint64_t{8} << 20;

/// How long a FIFO may be silent.
inline constexpr std::chrono::seconds fifo_patience{120};

/// Waits until something, or the end, can be read from `fd`. Throws Error(source_unreachable) that
/// names `what` when that takes longer than fifo_patience.
void await_bytes(int fd, const std::string& what);

/// One read(2) into `to`, again when a signal came in between; from a descriptor that does not wait
/// by itself after await_bytes. Returns how many bytes; 0 at the end. Throws
/// Error(source_unreachable) that names `what`.
std::size_t read_part(int fd, std::span<std::byte> to, const std::string& what);

/// A secret that is being read.
class GrowingSecret {
 public:
  /// `what` is its name in messages.
  explicit GrowingSecret(std::string what) : what_(std::move(what)), bytes_(4096) {}

  /// Reads once from `fd`, waiting for something to come. False at the end. Throws Error:
  /// source_unreachable, or usage when there are more than max_secret_bytes.
  bool read_from(int fd);

  /// Everything that was read.
  SecureBuffer take() &&;

 private:
  std::string what_;
  SecureBuffer bytes_;
  std::size_t size_ = 0;
};

}  // namespace luksdetached
