#include "luks/anti_forensic.h"

#include <algorithm>

#include "crypto/diffuse.h"

namespace luksdetached::luks {

StripeMerger::StripeMerger(std::size_t key_bytes, std::uint32_t stripes, Hash hash)
    : key_(key_bytes), left_(stripes), hash_(hash) {}

void StripeMerger::add(std::span<const std::byte> split) {
  while (!split.empty() && left_ > 0) {
    const std::size_t count = std::min(split.size(), key_.size() - at_);
    for (std::size_t i = 0; i < count; ++i) key_.data()[at_ + i] ^= split[i];
    split = split.subspan(count);
    at_ += count;
    if (at_ < key_.size()) return;
    at_ = 0;
    if (--left_ > 0) diffuse(hash_, key_.span());
  }
}

}  // namespace luksdetached::luks
