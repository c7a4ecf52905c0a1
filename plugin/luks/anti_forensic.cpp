#include "luks/anti_forensic.h"

#include <algorithm>
#include <array>

namespace luksdetached::luks {

namespace {

// Replaces each digest-sized piece by the hash of its number and itself; a shorter last piece by
// the beginning of its hash.
void diffuse(std::span<std::byte> block, std::span<std::byte> scratch, Hash hash) {
  std::uint32_t number = 0;
  while (!block.empty()) {
    const std::span<std::byte> piece = block.first(std::min(block.size(), scratch.size()));
    const std::array<std::byte, 4> big_endian_number{std::byte(number >> 24),
                                                     std::byte(number >> 16),
                                                     std::byte(number >> 8), std::byte(number)};
    const std::span<const std::byte> parts[] = {big_endian_number, piece};
    hash_bytes(hash, parts, scratch.first(piece.size()));
    std::copy_n(scratch.begin(), piece.size(), piece.begin());
    block = block.subspan(piece.size());
    ++number;
  }
}

}  // namespace

SecureBuffer merge_stripes(std::span<const std::byte> split, std::size_t key_bytes,
                           std::uint32_t stripes, Hash hash) {
  SecureBuffer key(key_bytes);
  SecureBuffer scratch(digest_size(hash));
  for (std::uint32_t n = 0; n < stripes; ++n) {
    const auto stripe = split.subspan(std::size_t{n} * key_bytes, key_bytes);
    for (std::size_t i = 0; i < key_bytes; ++i) key.data()[i] ^= stripe[i];
    if (n + 1 < stripes) diffuse(key.span(), scratch.span(), hash);
  }
  return key;
}

}  // namespace luksdetached::luks
