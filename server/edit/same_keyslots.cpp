#include "same_keyslots.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "base/error.h"
#include "luks/same_volume.h"

namespace luksdetached::edit {

namespace {

using luks::Keyslot;

bool same_cost(const luks::Pbkdf2Cost& one, const luks::Pbkdf2Cost& other) {
  return one.hash == other.hash && one.iterations == other.iterations;
}

bool same_cost(const luks::Argon2Kdf& one, const luks::Argon2Kdf& other) {
  return one.variant == other.variant && one.cost.time == other.cost.time &&
         one.cost.memory_kib == other.cost.memory_kib && one.cost.lanes == other.cost.lanes;
}

bool same_kdf(const luks::Kdf& one, const luks::Kdf& other) {
  if (one.salt != other.salt || one.cost.index() != other.cost.index()) return false;
  return std::visit(
      [&](const auto& cost) {
        return same_cost(cost, std::get<std::decay_t<decltype(cost)>>(other.cost));
      },
      one.cost);
}

auto facts(const Keyslot& slot) {
  return std::tie(slot.id, slot.type, slot.bound, slot.priority, slot.key_bytes, slot.af_hash,
                  slot.af_stripes, slot.area_encryption, slot.area_key_bytes, slot.area_offset,
                  slot.area_bytes, slot.unusable);
}

std::span<const std::byte> area(const LoadedHeader& header, const Keyslot& slot) {
  return std::span(header.image).subspan(slot.area_offset, slot.area_bytes);
}

bool same_keyslot(const LoadedHeader& before, const Keyslot& was, const LoadedHeader& after,
                  const Keyslot& is) {
  return facts(was) == facts(is) && same_kdf(was.kdf, is.kdf) &&
         std::ranges::equal(area(before, was), area(after, is));
}

std::map<unsigned, const Keyslot*> others(const LoadedHeader& header, unsigned id) {
  std::map<unsigned, const Keyslot*> slots;
  for (const Keyslot& slot : header.header.keyslots) {
    if (slot.id != id) slots[slot.id] = &slot;
  }
  return slots;
}

Error damaged(const std::string& how) {
  return {ErrorKind::header_damaged,
          "the changed header is not right, so it was not written: " + how};
}

}  // namespace

void check_only_changes_keyslot(const LoadedHeader& before, const LoadedHeader& after,
                                unsigned id) {
  if (before.header.version != after.header.version || before.header.end != after.header.end) {
    throw damaged("it has another format");
  }
  const std::string difference = luks::volume_difference(after.header, before.header);
  if (!difference.empty()) throw damaged(difference);
  const auto were = others(before, id);
  const auto are = others(after, id);
  const bool same = std::ranges::equal(were, are, [&](const auto& was, const auto& is) {
    return was.first == is.first && same_keyslot(before, *was.second, after, *is.second);
  });
  if (!same) throw damaged("another key slot than " + std::to_string(id) + " has changed");
}

}  // namespace luksdetached::edit
