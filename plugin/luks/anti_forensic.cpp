#include "luks/anti_forensic.h"

#include <algorithm>
#include <array>

namespace luksdetached::luks {

StripeMerger::StripeMerger(std::size_t key_bytes, std::uint32_t stripes, Hash hash)
    : key_(key_bytes), digest_(digest_size(hash)), left_(stripes), hash_(hash) {}

void StripeMerger::add(std::span<const std::byte> split) {
  while (!split.empty() && left_ > 0) {
    const std::size_t count = std::min(split.size(), key_.size() - at_);
    for (std::size_t i = 0; i < count; ++i) key_.data()[at_ + i] ^= split[i];
    split = split.subspan(count);
    at_ += count;
    if (at_ < key_.size()) return;
    at_ = 0;
    if (--left_ > 0) diffuse();
  }
}

// Replaces each digest-sized piece of the key by the hash of its number and itself; a shorter last
// piece by the beginning of its hash.
void StripeMerger::diffuse() {
  std::uint32_t number = 0;
  for (std::span<std::byte> rest = key_.span(); !rest.empty(); ++number) {
    const std::span<std::byte> piece = rest.first(std::min(rest.size(), digest_.size()));
    const std::array<std::byte, 4> big_endian_number{std::byte(number >> 24),
                                                     std::byte(number >> 16),
                                                     std::byte(number >> 8), std::byte(number)};
    const std::span<const std::byte> parts[] = {big_endian_number, piece};
    hash_bytes(hash_, parts, digest_.span().first(piece.size()));
    std::copy_n(digest_.data(), piece.size(), piece.begin());
    rest = rest.subspan(piece.size());
  }
}

}  // namespace luksdetached::luks
