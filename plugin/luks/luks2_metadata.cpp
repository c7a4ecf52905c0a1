// The JSON area of LUKS2 (cryptsetup's docs/on-disk-format-luks2, chapter 3): its parts put
// together.
#include <algorithm>
#include <optional>

#include "luks/encryption.h"
#include "luks/header_formats.h"
#include "luks/json_node.h"
#include "luks/luks2_config.h"
#include "luks/luks2_digests.h"
#include "luks/luks2_keyslots.h"
#include "luks/luks2_reencryption.h"
#include "luks/luks2_segments.h"
#include "luks/luks2_tokens.h"
#include "luks/strict_json.h"

namespace luksdetached::luks {

namespace {

// A key slot holds the key that its one digest knows. Where that is the key of no segment, the slot
// is for other programs.
void bind_keyslots(std::vector<Keyslot>& keyslots, const std::vector<Luks2Digest>& digests) {
  for (Keyslot& slot : keyslots) {
    unsigned known = 0;
    slot.bound = false;
    for (const Luks2Digest& digest : digests) {
      if (!digest.keyslots.contains(slot.id)) continue;
      ++known;
      slot.bound = slot.bound || !digest.segments.empty();
    }
    if (slot.type == luks2_keyslot_type && known != 1) {
      throw damaged("JSON keyslots." + std::to_string(slot.id) + " is in " + std::to_string(known) +
                    " digests instead of one");
    }
  }
}

// A digest tells keys of one length apart. HMAC pads its key with zeros, so a longer key that ends
// in zeros has the same digest, and would be taken for the key of the segment.
void check_key_sizes(const std::vector<Keyslot>& keyslots, const Luks2Digest& digest) {
  const Keyslot* first = nullptr;
  for (const Keyslot& slot : keyslots) {
    if (slot.type != luks2_keyslot_type || !digest.keyslots.contains(slot.id)) continue;
    if (first == nullptr) first = &slot;
    if (slot.key_bytes != first->key_bytes) {
      throw damaged("JSON " + digest.path + " is of keys of different lengths: key slots " +
                    std::to_string(first->id) + " and " + std::to_string(slot.id));
    }
  }
}

// Of all key slots that hold the volume key, by check_key_sizes.
std::optional<std::size_t> find_volume_key_bytes(const std::vector<Keyslot>& keyslots) {
  for (const Keyslot& slot : keyslots) {
    if (slot.bound && slot.type == luks2_keyslot_type) return slot.key_bytes;
  }
  return std::nullopt;
}

// The digest of the segment's key; segments that are not encrypted have none.
const Luks2Digest* digest_of(const Luks2Segment& segment, const std::vector<Luks2Digest>& digests) {
  const Luks2Digest* found = nullptr;
  for (const Luks2Digest& digest : digests) {
    if (!digest.segments.contains(segment.id)) continue;
    if (found != nullptr) {
      throw damaged("JSON " + digest.path + " is a second digest of " + segment.path);
    }
    found = &digest;
  }
  if (found == nullptr && segment.type == "crypt") {
    throw damaged("JSON " + segment.path + " has no digest");
  }
  return found;
}

std::optional<Refusal> unsupported(const std::string& message) {
  return Refusal{ErrorKind::unsupported, message};
}

// The one segment of a volume that nothing is being done to. Takes its cipher apart.
std::optional<Refusal> judge_segment(const Luks2Segment& entry,
                                     std::optional<std::size_t> key_bytes, Segment& segment) {
  if (entry.type != "crypt") {
    return unsupported(entry.path + ": segment type '" + entry.type +
                       "' is not supported, only crypt is");
  }
  if (!entry.integrity.empty()) {
    return unsupported(entry.path + ": authenticated encryption (integrity " + entry.integrity +
                       ") is not supported: open the volume with cryptsetup, or copy its data to "
                       "one without integrity");
  }
  Encryption encryption = judge_encryption(segment.encryption, key_bytes);
  segment.cipher = std::move(encryption.cipher);
  if (encryption.refusal) return encryption.refusal;
  if (entry.iv_tweak != 0) {
    return unsupported(entry.path +
                       ".iv_tweak is not 0: cryptsetup ignores it, the specification does not, so "
                       "the data could silently be wrong; such volumes are refused");
  }
  return std::nullopt;
}

std::optional<Refusal> judge_segments(const Luks2Config& config,
                                      const std::vector<Luks2Segment>& segments, Header& header) {
  if (auto refusal = refuse_reencryption(config, segments)) return refusal;
  if (segments.size() > 1) {
    return unsupported(
        "the volume has several segments, which only reencryption makes; that is not supported");
  }
  return judge_segment(segments.front(), header.volume_key_bytes, header.segment);
}

// What keeps the key slots from opening the volume, apart from the secret.
void judge_keyslots(const std::vector<Keyslot>& keyslots, std::vector<Refusal>& refusals) {
  const Keyslot* first_bound = nullptr;
  bool any_usable = false;
  bool any_refused = false;
  for (const Keyslot& slot : keyslots) {
    const std::string name = "key slot " + std::to_string(slot.id);
    if (slot.type != luks2_keyslot_type) {
      // The area of the one for reencryption is refused with the reencryption.
      if (slot.type != reencrypt_keyslot_type) {
        refusals.push_back({ErrorKind::unsupported, name + ": " + slot.unusable});
      }
      continue;
    }
    if (!slot.bound) continue;
    if (first_bound == nullptr) first_bound = &slot;
    any_usable = any_usable || slot.unusable.empty();
    // Whoever reads such an area has the volume key, without any secret.
    const Encryption encryption = judge_encryption(slot.area_encryption, slot.area_key_bytes);
    if (!encryption.refusal || encryption.refusal->kind != ErrorKind::policy) continue;
    any_refused = true;
    const bool as_of_segment = std::any_of(
        refusals.begin(), refusals.end(),
        [&](const Refusal& refusal) { return refusal.message == encryption.refusal->message; });
    if (as_of_segment) continue;
    refusals.push_back({ErrorKind::policy, name + ": " + encryption.refusal->message});
  }
  if (first_bound == nullptr) {
    refusals.push_back(nothing_unlocks());
  } else if (!any_usable && !any_refused) {
    refusals.push_back({ErrorKind::unsupported,
                        "no key slot can be tried: key slot " + std::to_string(first_bound->id) +
                            ": " + first_bound->unusable,
                        true});
  }
}

}  // namespace

Header parse_luks2_metadata(std::string_view text, std::uint64_t metadata_bytes) {
  const nlohmann::json document = parse_strict_json(text);
  const Node root(document, "");
  const Node keyslots = root.object("keyslots");
  const Node segments = root.object("segments");
  const Luks2Config config = parse_luks2_config(root.object("config"), metadata_bytes);

  Header header;
  header.end = config.areas_end;
  header.flags = config.flags;
  header.keyslots = parse_luks2_keyslots(keyslots, config);
  header.tokens = parse_luks2_tokens(root.object("tokens"), keyslots);
  const std::vector<Luks2Segment> parts = parse_luks2_segments(segments, config);
  const std::vector<Luks2Digest> digests =
      parse_luks2_digests(root.object("digests"), keyslots, segments);
  check_reencryption(config, header.keyslots, parts);
  bind_keyslots(header.keyslots, digests);
  for (const Luks2Digest& digest : digests) {
    if (!digest.segments.empty()) check_key_sizes(header.keyslots, digest);
  }
  for (const Luks2Segment& part : parts) digest_of(part, digests);
  header.volume_key_bytes = find_volume_key_bytes(header.keyslots);

  header.segment = parts.front().segment;
  const Luks2Digest* digest = digest_of(parts.front(), digests);
  if (digest != nullptr) header.digest = digest->digest;

  for (const std::string& name : config.unknown_requirements) {
    header.refusals.push_back({ErrorKind::unsupported,
                               "the header requires '" + name +
                                   "', an unknown requirement: serving the volume without it could "
                                   "damage it; use a cryptsetup that knows it"});
  }
  if (auto refusal = judge_segments(config, parts, header)) header.refusals.push_back(*refusal);
  if (digest != nullptr && digest->refusal) header.refusals.push_back(*digest->refusal);
  judge_keyslots(header.keyslots, header.refusals);

  for (const Keyslot& slot : header.keyslots) {
    if (!slot.bound || !slot.unusable.empty()) continue;
    if (slot.af_stripes != luks_stripes) {
      header.warnings.push_back("key slot " + std::to_string(slot.id) + " says that it has " +
                                std::to_string(slot.af_stripes) + " stripes; " +
                                std::to_string(luks_stripes) +
                                " are read, as cryptsetup reads them");
    }
    header.key_material_end = std::max(header.key_material_end, slot.area_offset + slot.area_bytes);
  }
  return header;
}

}  // namespace luksdetached::luks
