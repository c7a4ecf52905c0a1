#include "write_plan.h"

#include <algorithm>
#include <iterator>

namespace luksdetached::edit {

namespace {

constexpr std::uint64_t block = 512;            // what storage writes at once or not at all
constexpr std::uint64_t luks1_metadata = 1024;  // its 592 bytes, in whole blocks

struct Range {
  std::uint64_t begin, end;  // bytes, whole blocks
};

// Which copy of LUKS2's metadata counts until the new one is there: it must be written last.
bool secondary_counts(const luks::Header* header) {
  return header != nullptr && header->copies.size() == 2 && header->copies[1].used;
}

bool has_slot(const luks::Header& header, unsigned id) {
  return std::any_of(header.keyslots.begin(), header.keyslots.end(),
                     [id](const luks::Keyslot& slot) { return slot.id == id; });
}

bool only_removes_slots(const luks::Header* before, const luks::Header& after) {
  if (before == nullptr || before->keyslots.size() <= after.keyslots.size()) return false;
  return std::all_of(after.keyslots.begin(), after.keyslots.end(),
                     [&](const luks::Keyslot& slot) { return has_slot(*before, slot.id); });
}

// The places of the metadata, in the order in which they are written. Of LUKS1's two sectors the
// first one has the flags of key slots 0 to 6, and the second one the rest of slot 6 and slot 7.
std::vector<Stage> metadata_stages(const luks::Header* before, const luks::Header& after,
                                   std::vector<Range>& places) {
  if (after.version == 1) {
    places = {{block, luks1_metadata}, {0, block}};
    if (only_removes_slots(before, after)) std::swap(places[0], places[1]);
    return {{"the header", {}}, {"the header", {}}};
  }
  const std::uint64_t size = after.copies[1].offset;
  places = {{size, 2 * size}, {0, size}};
  std::vector<Stage> stages = {{"the secondary copy", {}}, {"the primary copy", {}}};
  if (secondary_counts(before)) {
    std::swap(places[0], places[1]);
    std::swap(stages[0], stages[1]);
  }
  return stages;
}

bool within(std::uint64_t offset, const Range& range) {
  return range.begin <= offset && offset < range.end;
}

bool is_key_material(std::uint64_t offset, const luks::Header& header) {
  return std::any_of(header.keyslots.begin(), header.keyslots.end(), [&](const auto& slot) {
    return within(offset, {slot.area_offset, slot.area_offset + slot.area_bytes});
  });
}

// Adds a block at the end of the writes, or to the last one when it follows it.
void add_block(std::vector<PlannedWrite>& writes, std::uint64_t offset,
               std::span<const std::byte> bytes) {
  if (writes.empty() || writes.back().offset + writes.back().bytes.size() != offset) {
    writes.push_back({offset, {}});
  }
  std::copy(bytes.begin(), bytes.end(), std::back_inserter(writes.back().bytes));
}

}  // namespace

WritePlan plan_writes(std::span<const std::byte> before, const luks::Header* before_header,
                      std::span<const std::byte> after, const luks::Header& after_header) {
  std::vector<Range> places;
  const std::vector<Stage> metadata = metadata_stages(before_header, after_header, places);
  WritePlan plan = {{"key material", {}}};
  plan.insert(plan.end(), metadata.begin(), metadata.end());
  plan.push_back({"what was key material", {}});
  for (std::uint64_t offset = 0; offset < after.size(); offset += block) {
    const std::uint64_t length = std::min<std::uint64_t>(block, after.size() - offset);
    const auto now = after.subspan(offset, length);
    if (std::ranges::equal(before.subspan(offset, length), now)) continue;
    std::size_t stage = plan.size() - 1;
    if (within(offset, places[0])) {
      stage = 1;
    } else if (within(offset, places[1])) {
      stage = 2;
    } else if (is_key_material(offset, after_header)) {
      stage = 0;
    }
    add_block(plan[stage].writes, offset, now);
  }
  std::erase_if(plan, [](const Stage& stage) { return stage.writes.empty(); });
  return plan;
}

}  // namespace luksdetached::edit
