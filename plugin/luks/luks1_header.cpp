// The LUKS1 header (cryptsetup's docs/on-disk-format, sections 2.1 and 2.2): 592 bytes, big-endian.
#include <algorithm>
#include <array>

#include "luks/encryption.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t header_bytes = 592;
constexpr std::size_t digest_bytes = 20;
constexpr std::uint64_t sector = 512;
constexpr std::size_t slot_count = 8;
constexpr std::size_t first_slot = 208;
constexpr std::size_t slot_bytes = 48;
constexpr std::uint32_t slot_enabled = 0x00AC71F3;
constexpr std::uint32_t slot_disabled = 0x0000DEAD;
// The longest key of any cipher: AES-256-XTS has 64 bytes. More would only cost memory.
constexpr std::uint32_t max_key_bytes = 512;

std::vector<std::byte> load_bytes(std::span<const std::byte> bytes, std::size_t offset,
                                  std::size_t size) {
  const auto part = bytes.subspan(offset, size);
  return {part.begin(), part.end()};
}

std::string slot_name(unsigned id) {
  return "key slot " + std::to_string(id);
}

// Every slot has its area, also those not in use: overlaps are checked over all of them.
struct SlotArea {
  unsigned id;
  std::uint64_t begin, end;  // bytes
};

void check_areas(std::array<SlotArea, slot_count> areas, std::uint64_t payload_offset) {
  for (const SlotArea& area : areas) {
    if (area.begin < header_bytes) {
      throw damaged(slot_name(area.id) + " overlaps the header (it begins at byte " +
                    std::to_string(area.begin) + ")");
    }
    if (area.end > max_header_bytes) {
      throw damaged(slot_name(area.id) + " ends at byte " + std::to_string(area.end) +
                    ", beyond the end of the largest header");
    }
    if (payload_offset != 0 && area.end > payload_offset) {
      throw damaged(slot_name(area.id) + " overlaps the encrypted data, which begin at byte " +
                    std::to_string(payload_offset));
    }
  }
  std::sort(areas.begin(), areas.end(),
            [](const SlotArea& a, const SlotArea& b) { return a.begin < b.begin; });
  for (std::size_t n = 1; n < areas.size(); ++n) {
    if (areas[n].begin < areas[n - 1].end) {
      throw damaged(slot_name(areas[n - 1].id) + " and " + slot_name(areas[n].id) + " overlap");
    }
  }
}

}  // namespace

Header parse_luks1(std::span<const std::byte> bytes) {
  if (bytes.size() < header_bytes) {
    throw damaged("it is truncated: a LUKS1 header has 592 bytes, there are " +
                  std::to_string(bytes.size()));
  }
  Header header;
  header.version = 1;
  const std::string cipher_name = load_text(bytes, 8, 32, "cipher-name");
  const std::string cipher_mode = load_text(bytes, 40, 32, "cipher-mode");
  const std::string hash_spec = load_text(bytes, 72, 32, "hash-spec");
  header.uuid = load_text(bytes, 168, 40, "uuid");
  const std::uint64_t payload_offset = load_be32(bytes, 104) * sector;
  const std::uint32_t key_bytes = load_be32(bytes, 108);
  const std::uint32_t digest_iterations = load_be32(bytes, 164);

  if (key_bytes == 0 || key_bytes > max_key_bytes) {
    throw damaged("key-bytes is " + std::to_string(key_bytes));
  }
  if (digest_iterations == 0) throw damaged("mk-digest-iterations is 0");
  header.volume_key_bytes = key_bytes;
  header.segment.offset = payload_offset;
  header.segment.sector_size = sector;
  header.segment.encryption = cipher_name + "-" + cipher_mode;
  const Encryption encryption = judge_encryption(header.segment.encryption, key_bytes);
  header.segment.cipher = encryption.cipher;
  if (encryption.refusal) header.refusals.push_back(*encryption.refusal);
  const std::optional<Hash> hash = find_hash(hash_spec);
  if (hash) {
    header.digest = {{*hash, digest_iterations},
                     load_bytes(bytes, 132, luks_salt_bytes),
                     load_bytes(bytes, 112, digest_bytes)};
  } else {
    header.refusals.push_back({ErrorKind::unsupported, unsupported_hash(hash_spec)});
  }

  std::array<SlotArea, slot_count> areas{};
  for (unsigned id = 0; id < slot_count; ++id) {
    const std::size_t at = first_slot + id * slot_bytes;
    const std::uint32_t active = load_be32(bytes, at);
    const std::uint32_t iterations = load_be32(bytes, at + 4);
    const std::uint64_t area_offset = load_be32(bytes, at + 40) * sector;
    const std::uint32_t slot_stripes = load_be32(bytes, at + 44);
    if (slot_stripes != luks_stripes) {
      throw damaged(slot_name(id) + " has " + std::to_string(slot_stripes) +
                    " stripes instead of 4000");
    }
    const std::uint64_t area_bytes = af_area_bytes(key_bytes, luks_stripes);
    areas[id] = {id, area_offset, area_offset + area_bytes};
    if (active == slot_disabled) continue;
    if (active != slot_enabled) {
      throw damaged(slot_name(id) + " is neither enabled nor disabled");
    }
    if (iterations == 0) throw damaged(slot_name(id) + " has 0 iterations");
    Keyslot slot;
    slot.id = id;
    slot.type = "luks1";
    slot.key_bytes = key_bytes;
    if (hash) {
      slot.kdf = {Pbkdf2Cost{*hash, iterations}, load_bytes(bytes, at + 8, luks_salt_bytes)};
      slot.af_hash = *hash;
    }
    if (!header.refusals.empty()) slot.unusable = header.refusals.front().message;
    slot.af_stripes = luks_stripes;
    slot.area_encryption = header.segment.encryption;
    slot.area_cipher = header.segment.cipher;
    slot.area_key_bytes = key_bytes;
    slot.area_offset = area_offset;
    slot.area_bytes = area_bytes;
    header.keyslots.push_back(std::move(slot));
  }
  check_areas(areas, payload_offset);
  if (header.keyslots.empty()) header.refusals.push_back(nothing_unlocks());
  // cryptsetup wants the areas of unused slots to be there as well.
  for (const SlotArea& area : areas) {
    header.key_material_end = std::max(header.key_material_end, area.end);
  }
  header.end = header.key_material_end;
  return header;
}

}  // namespace luksdetached::luks
