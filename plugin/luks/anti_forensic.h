// The anti-forensic splitter (LUKS1's docs/on-disk-format, section 2.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "crypto/hash.h"
#include "crypto/secure_memory.h"

namespace luksdetached::luks {

/// Merges a split key, which comes in pieces of any size, into the key that was split: only a few
/// pages of locked memory are needed, however many stripes there are.
class StripeMerger {
 public:
  /// `key_bytes` and `stripes` are 1 or more.
  StripeMerger(std::size_t key_bytes, std::uint32_t stripes, Hash hash);

  /// Takes the next bytes of the split key. What comes after the last stripe fills its sector and
  /// is ignored.
  void add(std::span<const std::byte> split);

  /// The key, when all stripes were added.
  SecureBuffer take() && { return std::move(key_); }

 private:
  SecureBuffer key_;    // of the stripes so far
  std::size_t at_ = 0;  // bytes of the current stripe that were added
  std::uint32_t left_;  // stripes that are not complete
  Hash hash_;
};

}  // namespace luksdetached::luks
