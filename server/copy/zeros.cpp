#include "zeros.h"

#include <algorithm>
#include <cstring>

namespace luksdetached::copy {

bool is_zero(std::span<const std::byte> bytes) noexcept {
  // The first one is, and each is as the one before it.
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::vector<Run> data_runs(std::span<const std::byte> bytes, std::size_t block) {
  std::vector<Run> runs;
  for (std::size_t offset = 0; offset < bytes.size(); offset += block) {
    const std::size_t size = std::min(block, bytes.size() - offset);
    if (is_zero(bytes.subspan(offset, size))) continue;
    if (!runs.empty() && runs.back().offset + runs.back().size == offset) {
      runs.back().size += size;
    } else {
      runs.push_back({offset, size});
    }
  }
  return runs;
}

std::optional<std::size_t> find_foreign_block(std::span<const std::byte> bytes,
                                              std::span<const std::byte> other) noexcept {
  constexpr std::size_t block = 512;
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    const auto one = bytes.subspan(at, std::min(block, bytes.size() - at));
    if (!is_zero(one) && !std::ranges::equal(one, other.subspan(at, one.size()))) return at;
  }
  return std::nullopt;
}

}  // namespace luksdetached::copy
