// The working memory of Argon2: much of it, and read in no order.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "crypto/argon2_block.h"

namespace luksdetached {

/// Blocks in pages of their own, which are kept out of core dumps and wiped before they go. They
/// are not locked: there are too many. Pages are huge as long as the kernel has such at hand.
class Argon2Memory {
 public:
  /// All blocks are zero. `threads` wipe them in the end. Throws Error(key_derivation) when this
  /// machine or the control group has not enough memory left.
  Argon2Memory(std::size_t blocks, unsigned threads);
  Argon2Memory(const Argon2Memory&) = delete;
  Argon2Memory& operator=(const Argon2Memory&) = delete;
  ~Argon2Memory();

  std::span<Argon2Block> blocks() noexcept { return blocks_; }

  /// Blocks whose pages are provided together: two megabytes.
  static constexpr std::size_t portion = 2048;

  /// Has the kernel provide the pages of these blocks, at most a portion, before they are written
  /// for the first time: all at once it is faster. Several threads may call it.
  void provide(std::span<Argon2Block> blocks) noexcept;

 private:
  std::span<Argon2Block> blocks_;
  unsigned threads_;
  std::atomic<bool> huge_{true};
};

}  // namespace luksdetached
