// Finds what need not be stored.
#pragma once

#include <cstddef>
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

}  // namespace luksdetached::copy
