#include "moved_segment.h"

#include <algorithm>
#include <span>
#include <string>

#include "base/error.h"
#include "luks/same_volume.h"
#include "luks2_copy.h"

namespace luksdetached::edit {

namespace {

constexpr std::uint64_t sector = 512;

// LUKS1, section 2.1: payload-offset, in sectors.
constexpr std::size_t luks1_payload_offset = 104;
// LUKS2, section 2.1: the binary header in front of the JSON.
constexpr std::size_t luks2_sequence = 16;

void store_be(std::span<std::byte> to, std::uint64_t value) {
  for (std::size_t n = to.size(); n-- > 0; value >>= 8U) {
    to[n] = static_cast<std::byte>(value & 0xffU);
  }
}

Error cannot_move(std::uint64_t offset, const std::string& why) {
  return {ErrorKind::usage, "the header cannot say that its data begin at byte " +
                                std::to_string(offset) + ": " + why};
}

void move_luks1(std::span<std::byte> image, std::uint64_t offset) {
  if (offset / sector > UINT32_MAX) throw cannot_move(offset, "LUKS1 has no numbers as large");
  store_be(image.subspan(luks1_payload_offset, 4), offset / sector);
}

void move_luks2(const luks::Header& header, std::span<std::byte> image, std::uint64_t offset) {
  const std::uint64_t size = header.copies.at(1).offset;
  const std::uint64_t sequence = luks::sequence_of(header).value();
  for (const luks::HeaderCopy& place : header.copies) {
    if (!place.problem.empty() || place.sequence != sequence) {
      throw Error(ErrorKind::policy,
                  "one of the two copies of its metadata is " +
                      (place.problem.empty() ? "older" : "damaged: " + place.problem) +
                      "; any change of a key slot, or `cryptsetup repair`, makes both whole again");
    }
    const auto copy = image.subspan(place.offset, size);
    store_be(copy.subspan(luks2_sequence, 8), sequence + 1);
    change_luks2_copy(copy, [&](nlohmann::ordered_json& json) {
      json.at("segments").at("0").at("offset") = std::to_string(offset);
    });
  }
}

// By the parser of what serves it.
void check_moved(const luks::Header& before, const luks::Header& after, std::uint64_t offset) {
  luks::Header expected = before;
  expected.segment.offset = offset;
  std::string difference = luks::volume_difference(after, expected);
  if (difference.empty() && after.end != before.end) difference = "it has another size";
  if (difference.empty()) return;
  throw Error(ErrorKind::header_damaged,
              "the changed header is not right, so it was not written: " + difference);
}

}  // namespace

LoadedHeader move_segment(const LoadedHeader& before, std::uint64_t offset) {
  LoadedHeader moved;
  moved.image = before.image;
  if (before.header.version == 1) {
    move_luks1(moved.image, offset);
  } else {
    move_luks2(before.header, moved.image, offset);
  }
  moved.header = luks::parse_header(moved.image);
  luks::check_servable(moved.header, luks::Opener::volume_key);
  check_moved(before.header, moved.header, offset);
  return moved;
}

std::uint64_t offset_behind(std::uint64_t header_bytes) noexcept {
  constexpr std::uint64_t unit = std::uint64_t{1} << 20;
  return (header_bytes + unit - 1) / unit * unit;
}

}  // namespace luksdetached::edit
