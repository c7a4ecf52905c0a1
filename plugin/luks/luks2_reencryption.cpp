#include "luks/luks2_reencryption.h"

#include <algorithm>

#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr const char* flag_previous = "backup-previous";
constexpr const char* flag_final = "backup-final";
constexpr const char* flag_now = "in-reencryption";

// Both describe sectors that are made in the same way.
bool alike(const Luks2Segment& a, const Luks2Segment& b) {
  return a.type == b.type && a.segment.sector_size == b.segment.sector_size &&
         a.segment.encryption == b.segment.encryption;
}

const Luks2Segment& backup(const std::vector<Luks2Segment>& segments, const char* flag) {
  const auto found = std::find_if(
      segments.begin(), segments.end(),
      [&](const Luks2Segment& segment) { return segment.is_backup() && segment.has_flag(flag); });
  if (found == segments.end()) {
    throw damaged(std::string("reencryption is under way, and JSON segments has no ") + flag);
  }
  return *found;
}

void check_shift(const Node& area) {
  const std::uint64_t shift = area.u64("shift_size");
  if (shift == 0 || shift % 512 != 0) {
    throw area.child("shift_size").complaint("is not a multiple of 512 above 0");
  }
}

}  // namespace

void check_reencrypt_keyslot(const Node& node) {
  if (node.u32("key_size") != 1) throw node.child("key_size").complaint("is not 1");
  const std::string mode = node.text("mode");
  if (mode != "reencrypt" && mode != "encrypt" && mode != "decrypt") {
    throw node.child("mode").complaint("is not reencrypt, encrypt or decrypt");
  }
  const std::string direction = node.text("direction");
  if (direction != "forward" && direction != "backward") {
    throw node.child("direction").complaint("is not forward or backward");
  }
  const Node area = node.object("area");
  const std::string type = area.text("type");
  if (type == "checksum" || type == "datashift-checksum") {
    area.text("hash");
    const std::uint32_t sector_size = area.u32("sector_size");
    if (sector_size < 512 || (sector_size & (sector_size - 1)) != 0) {
      throw area.child("sector_size").complaint("is not a power of two from 512");
    }
  } else if (type == "datashift" || type == "datashift-journal") {
    check_shift(area);
  }
}

void check_reencryption(const Luks2Config& config, const std::vector<Keyslot>& keyslots,
                        const std::vector<Luks2Segment>& segments) {
  const auto slots = std::count_if(keyslots.begin(), keyslots.end(), [](const Keyslot& slot) {
    return slot.type == reencrypt_keyslot_type;
  });
  if (slots > 1) throw damaged("JSON keyslots has several slots for reencryption");
  const bool online = config.reencryption == Reencryption::online;
  if (slots != 0 && !online && config.reencryption != Reencryption::online_unknown) {
    throw damaged("JSON keyslots has a slot for reencryption, and nothing requires reencryption");
  }
  if (!online) return;
  if (slots == 0) {
    throw damaged("reencryption is under way, and JSON keyslots has no slot for it");
  }
  const Luks2Segment& previous = backup(segments, flag_previous);
  const Luks2Segment& final = backup(segments, flag_final);
  for (const Luks2Segment& segment : segments) {
    if (segment.is_backup()) continue;
    const bool may_be_previous = !segment.has_flag(flag_now);
    if (!alike(segment, final) && !(may_be_previous && alike(segment, previous))) {
      throw damaged("JSON " + segment.path + " is neither as before reencryption nor as after it");
    }
  }
}

std::optional<Refusal> refuse_reencryption(const Luks2Config& config,
                                           const std::vector<Luks2Segment>& segments) {
  const std::string under_way = "the volume is being reencrypted, which is not supported: ";
  if (config.reencryption == Reencryption::offline) {
    return Refusal{ErrorKind::unsupported,
                   under_way + "finish that first, with the cryptsetup-reencrypt that began it"};
  }
  const bool marked =
      std::any_of(segments.begin(), segments.end(), [](const Luks2Segment& segment) {
        return segment.is_backup() || segment.has_flag(flag_now);
      });
  if (config.reencryption == Reencryption::none && !marked) return std::nullopt;
  return Refusal{ErrorKind::unsupported,
                 under_way +
                     "finish that first, with 'cryptsetup reencrypt --resume-only' (and --header, "
                     "where the header is detached)"};
}

}  // namespace luksdetached::luks
