#include "moved_segment.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/hash.h"
#include "luks/same_volume.h"

namespace luksdetached::edit {

namespace {

constexpr std::uint64_t sector = 512;

// LUKS1, section 2.1: payload-offset, in sectors.
constexpr std::size_t luks1_payload_offset = 104;
// LUKS2, section 2.1: the binary header in front of the JSON.
constexpr std::size_t sequence_at = 16;
constexpr std::size_t checksum_name_at = 72;
constexpr std::size_t checksum_name_bytes = 32;
constexpr std::size_t checksum_at = 448;
constexpr std::size_t checksum_bytes = 64;
constexpr std::size_t json_at = 4096;

void store_be(std::span<std::byte> to, std::uint64_t value) {
  for (std::size_t n = to.size(); n-- > 0; value >>= 8U) {
    to[n] = static_cast<std::byte>(value & 0xffU);
  }
}

std::string_view text_at(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

Error cannot_move(std::uint64_t offset, const std::string& why) {
  return {ErrorKind::usage, "the header cannot say that its data begin at byte " +
                                std::to_string(offset) + ": " + why};
}

void move_luks1(std::span<std::byte> image, std::uint64_t offset) {
  if (offset / sector > UINT32_MAX) throw cannot_move(offset, "LUKS1 has no numbers as large");
  store_be(image.subspan(luks1_payload_offset, 4), offset / sector);
}

std::string moved_json(std::string_view text, std::uint64_t offset) {
  auto json = nlohmann::ordered_json::parse(text);
  json.at("segments").at("0").at("offset") = std::to_string(offset);
  return json.dump();
}

void seal(std::span<std::byte> copy) {
  const auto field = copy.subspan(checksum_at, checksum_bytes);
  std::ranges::fill(field, std::byte{0});
  const std::optional<Hash> hash =
      find_hash(text_at(copy.subspan(checksum_name_at, checksum_name_bytes)));
  const std::span<const std::byte> parts[] = {copy};
  hash_bytes(hash.value(), parts, field.first(digest_size(*hash)));
}

void move_luks2(const luks::Header& header, std::span<std::byte> image, std::uint64_t offset) {
  for (const luks::HeaderCopy& copy : header.copies) {
    if (copy.problem.empty()) continue;
    throw Error(ErrorKind::policy,
                "one of the two copies of its metadata is damaged (" + copy.problem +
                    "), so the header is not changed; any change of a key slot, or `cryptsetup "
                    "repair`, makes both whole again");
  }
  const std::uint64_t size = header.copies.at(1).offset;
  const std::uint64_t used = header.copies[0].used ? 0 : size;
  const std::string json =
      moved_json(text_at(image.subspan(used + json_at, size - json_at)), offset);
  if (json.size() >= size - json_at) throw cannot_move(offset, "its JSON area is full");
  const std::uint64_t sequence = luks::sequence_of(header).value() + 1;
  for (const luks::HeaderCopy& place : header.copies) {
    const auto copy = image.subspan(place.offset, size);
    const auto area = copy.subspan(json_at);
    std::ranges::fill(area, std::byte{0});
    std::ranges::copy(std::as_bytes(std::span(json)), area.begin());
    store_be(copy.subspan(sequence_at, 8), sequence);
    seal(copy);
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
