// Finds what need not be stored.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace luksdetached::copy {

/// Bytes that lie together.
struct Run {
  std::size_t offset = 0;
  std::size_t size = 0;

  bool operator==(const Run&) const = default;
};

/// Are all of them zero?
bool is_zero(std::span<const std::byte> bytes) noexcept;

/// What of `bytes` is not in blocks of zeros of `block` bytes, the last one maybe shorter:
/// neighbouring blocks are one run.
std::vector<Run> data_runs(std::span<const std::byte> bytes, std::size_t block);

/// Where the first block of 512 bytes, which storage writes at once or not at all, begins in
/// `bytes` that neither is zeros nor the same in `other`, which has as many bytes. Nothing: there
/// is none.
std::optional<std::size_t> find_foreign_block(std::span<const std::byte> bytes,
                                              std::span<const std::byte> other) noexcept;

}  // namespace luksdetached::copy
