#include "luks1_keyslot.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "crypto/pbkdf2.h"
#include "crypto/sector_cipher.h"
#include "luks/anti_forensic.h"
#include "noise.h"

namespace luksdetached::edit {

namespace {

constexpr std::size_t first_slot = 208;
constexpr std::size_t slot_bytes = 48;
constexpr std::size_t iterations_at = 4, salt_at = 8, material_at = 40;
constexpr std::size_t salt_bytes = 32;
constexpr std::uint32_t slot_enabled = 0x00AC71F3;
constexpr std::size_t piece_bytes = 4096;  // encrypted at once: one page of locked memory

std::uint32_t load_be32(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.first(4)) value = value << 8 | std::to_integer<unsigned>(byte);
  return value;
}

void store_be32(std::span<std::byte> bytes, std::uint32_t value) {
  for (int n = 0; n < 4; ++n) bytes[static_cast<std::size_t>(n)] = std::byte(value >> (24 - 8 * n));
}

// The stripe that makes `others`, noise, and itself merge to `key`.
SecureBuffer last_stripe(const SecureBuffer& key, std::span<const std::byte> others, Hash hash) {
  SecureBuffer stripe(key.size());
  luks::StripeMerger merger(key.size(), luks::luks_stripes, hash);
  merger.add(others);
  merger.add(stripe.span());  // zeros
  const SecureBuffer merged = std::move(merger).take();
  for (std::size_t n = 0; n < key.size(); ++n) {
    stripe.data()[n] = merged.data()[n] ^ key.data()[n];
  }
  return stripe;
}

// Encrypts in place `area`, whose bytes from `last_at` on are `last`, which is only in locked
// memory.
void encrypt(const SectorCipher& cipher, std::span<std::byte> area, const SecureBuffer& last,
             std::size_t last_at) {
  SecureBuffer plain(piece_bytes);
  for (std::size_t at = 0; at < area.size(); at += piece_bytes) {
    const auto part = area.subspan(at, std::min(piece_bytes, area.size() - at));
    const auto piece = plain.span().first(part.size());
    std::ranges::copy(part, piece.begin());
    const std::size_t begin = std::max(at, last_at);
    const std::size_t end = std::min(at + part.size(), last_at + last.size());
    if (begin < end) {
      std::ranges::copy(last.span().subspan(begin - last_at, end - begin),
                        piece.begin() + static_cast<std::ptrdiff_t>(begin - at));
    }
    cipher.encrypt(piece, part, at / luks::area_sector_bytes);
  }
}

}  // namespace

LoadedHeader add_luks1_keyslot(const LoadedHeader& before, const SecureBuffer& volume_key,
                               const SecureBuffer& secret, unsigned id, std::uint32_t iterations) {
  const Hash hash = before.header.digest.cost.hash;
  LoadedHeader after = before;
  const std::span<std::byte> slot =
      std::span(after.image).subspan(first_slot + id * slot_bytes, slot_bytes);
  const std::span<std::byte> salt = slot.subspan(salt_at, salt_bytes);
  store_be32(slot, slot_enabled);
  store_be32(slot.subspan(iterations_at), iterations);
  fill_with_noise(salt);

  SecureBuffer area_key(volume_key.size());
  pbkdf2(hash, secret.span(), salt, iterations, area_key.span());
  const auto cipher =
      make_sector_cipher(before.header.segment.cipher, area_key.span(), luks::area_sector_bytes);
  const std::size_t split_bytes = volume_key.size() * luks::luks_stripes;
  const std::size_t area_bytes = (split_bytes + luks::area_sector_bytes - 1) /
                                 luks::area_sector_bytes * luks::area_sector_bytes;
  const std::size_t area_offset = load_be32(slot.subspan(material_at)) * std::size_t{512};
  const std::span<std::byte> area = std::span(after.image).subspan(area_offset, area_bytes);
  fill_with_noise(area);
  const std::size_t last_at = split_bytes - volume_key.size();
  encrypt(*cipher, area, last_stripe(volume_key, area.first(last_at), hash), last_at);
  after.header = luks::parse_header(after.image);
  return after;
}

}  // namespace luksdetached::edit
