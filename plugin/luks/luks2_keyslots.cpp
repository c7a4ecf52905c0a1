#include "luks/luks2_keyslots.h"

#include <algorithm>
#include <optional>

#include "luks/encryption.h"
#include "luks/header_formats.h"
#include "luks/luks2_reencryption.h"

namespace luksdetached::luks {

namespace {

// A key slot that asks for what we don't have is no reason to refuse the others.
void set_aside(Keyslot& slot, const std::string& why) {
  if (slot.unusable.empty()) slot.unusable = why;
}

std::optional<Hash> known_hash(Keyslot& slot, const std::string& name) {
  const std::optional<Hash> hash = find_hash(name);
  if (!hash) set_aside(slot, unsupported_hash(name));
  return hash;
}

void parse_pbkdf2(const Node& kdf, Keyslot& slot) {
  const std::uint32_t iterations = kdf.positive_u32("iterations");
  if (const auto hash = known_hash(slot, kdf.text("hash"))) {
    slot.kdf.cost = Pbkdf2Cost{*hash, iterations};
  }
}

void parse_argon2(const Node& kdf, Argon2Variant variant, Keyslot& slot) {
  const Argon2Cost cost{kdf.positive_u32("time"), kdf.positive_u32("memory"),
                        kdf.positive_u32("cpus")};
  if (cost.memory_kib / 8 < cost.lanes) {
    throw kdf.child("memory").complaint("is less than 8 KiB for each of the cpus");
  }
  slot.kdf.cost = Argon2Kdf{variant, cost};
}

void parse_kdf(const Node& kdf, Keyslot& slot) {
  const std::string type = kdf.text("type");
  if (type == "pbkdf2") {
    parse_pbkdf2(kdf, slot);
  } else if (type == "argon2i") {
    parse_argon2(kdf, Argon2Variant::i, slot);
  } else if (type == "argon2id") {
    parse_argon2(kdf, Argon2Variant::id, slot);
  } else {
    set_aside(slot, "key derivation '" + type + "' is not supported");
    return;
  }
  slot.kdf.salt = kdf.base64("salt", luks_salt_bytes);
}

void parse_splitter(const Node& af, Keyslot& slot) {
  if (af.text("type") != "luks1") throw af.child("type").complaint("is not luks1");
  slot.af_stripes = af.positive_u32("stripes");
  if (const auto hash = known_hash(slot, af.text("hash"))) slot.af_hash = *hash;
}

void parse_raw_area(const Node& area, Keyslot& slot) {
  if (area.text("type") != "raw") throw area.child("type").complaint("is not raw");
  // cryptsetup counts in sectors from here on and would round down.
  if (slot.area_offset % area_sector_bytes != 0) {
    throw area.child("offset").complaint("is not a multiple of 512");
  }
  // cryptsetup uses luks_stripes, whatever the number says, and nothing writes another one.
  const std::uint32_t stripes = std::max(slot.af_stripes, luks_stripes);
  if (af_area_bytes(slot.key_bytes, stripes) > slot.area_bytes) {
    throw area.complaint("is too small for " + std::to_string(stripes) + " stripes of the key");
  }
  slot.area_bytes = af_area_bytes(slot.key_bytes, luks_stripes);
  slot.area_key_bytes = area.u32("key_size");
  slot.area_encryption = area.text("encryption");
  const Encryption encryption = judge_encryption(slot.area_encryption, slot.area_key_bytes);
  slot.area_cipher = encryption.cipher;
  if (encryption.refusal) set_aside(slot, encryption.refusal->message);
}

void parse_type_luks2(const Node& node, Keyslot& slot) {
  if (slot.key_bytes == 0) throw node.child("key_size").complaint("is 0");
  if (node.has("priority")) {
    slot.priority = node.u32("priority");
    if (slot.priority > 2) throw node.child("priority").complaint("is not 0, 1 or 2");
  }
  parse_splitter(node.object("af"), slot);
  parse_kdf(node.object("kdf"), slot);
  parse_raw_area(node.object("area"), slot);
}

// Every type of key slot has these; they keep other programs off the area.
void parse_area_bounds(const Node& area, const Luks2Config& config, Keyslot& slot) {
  area.text("type");
  slot.area_offset = area.u64("offset");
  slot.area_bytes = area.u64("size");
  if (slot.area_offset < config.areas_begin || slot.area_bytes == 0 ||
      slot.area_offset > config.areas_end ||
      slot.area_bytes > config.areas_end - slot.area_offset) {
    throw area.complaint("does not lie in the key slot area (bytes " +
                         std::to_string(config.areas_begin) + " to " +
                         std::to_string(config.areas_end) + ")");
  }
}

struct Area {
  std::uint64_t begin, end;  // bytes
  std::string path;
};

void check_overlaps(std::vector<Area> areas) {
  std::sort(areas.begin(), areas.end(),
            [](const Area& a, const Area& b) { return a.begin < b.begin; });
  for (std::size_t n = 1; n < areas.size(); ++n) {
    if (areas[n].begin < areas[n - 1].end) {
      throw damaged("JSON " + areas[n - 1].path + " and " + areas[n].path + " overlap");
    }
  }
}

}  // namespace

std::vector<Keyslot> parse_luks2_keyslots(const Node& keyslots, const Luks2Config& config) {
  std::vector<Keyslot> slots;
  std::vector<Area> areas;
  keyslots.for_each_numbered([&](unsigned id, const Node& node) {
    Keyslot slot;
    slot.id = id;
    slot.type = node.text("type");
    slot.key_bytes = node.u32("key_size");
    const Node area = node.object("area");
    parse_area_bounds(area, config, slot);
    areas.push_back({slot.area_offset, slot.area_offset + slot.area_bytes, area.path()});
    if (slot.type == luks2_keyslot_type) {
      parse_type_luks2(node, slot);
    } else if (slot.type == reencrypt_keyslot_type) {
      check_reencrypt_keyslot(node);
      set_aside(slot, "it is for reencryption and holds no key");
    } else {
      set_aside(slot, "key slot type '" + slot.type + "' is not supported");
    }
    slots.push_back(std::move(slot));
  });
  check_overlaps(std::move(areas));
  std::sort(slots.begin(), slots.end(),
            [](const Keyslot& a, const Keyslot& b) { return a.id < b.id; });
  return slots;
}

}  // namespace luksdetached::luks
