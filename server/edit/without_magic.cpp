#include "without_magic.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "luks/header_formats.h"

namespace luksdetached::edit {

namespace {

// LUKS2, section 2.1: the second copy begins where the first one ends.
constexpr std::size_t version_at = 6, size_at = 8;

void put(std::string_view magic, std::span<std::byte> to) {
  std::ranges::copy(std::as_bytes(std::span(magic)), to.begin());
}

std::uint64_t load_be(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8U | std::to_integer<std::uint64_t>(byte);
  return value;
}

void store_be(std::uint64_t value, std::span<std::byte> to) {
  for (std::size_t at = to.size(); at-- > 0; value >>= 8U) to[at] = static_cast<std::byte>(value);
}

}  // namespace

LoadedHeader without_magic(const LoadedHeader& header, std::uint64_t note) {
  LoadedHeader without = header;
  for (const luks::HeaderCopy& copy : header.header.copies) {
    std::fill_n(without.image.begin() + static_cast<std::ptrdiff_t>(copy.offset), luks::magic_bytes,
                std::byte{0});
  }
  store_be(note, std::span(without.image).first(luks::magic_bytes));
  return without;
}

std::optional<WithoutMagic> find_without_magic(std::span<const std::byte> bytes) {
  constexpr std::size_t least = 512;
  if (bytes.size() < least) return std::nullopt;
  WithoutMagic found;
  found.note = load_be(bytes.first(luks::magic_bytes));
  if (found.note == 0) return std::nullopt;
  LoadedHeader& header = found.header;
  header.image.assign(bytes.begin(), bytes.end());
  put(luks::primary_magic, header.image);
  if (load_be(bytes.subspan(version_at, 2)) == 2) {
    const std::uint64_t second = load_be(bytes.subspan(size_at, 8));
    if (second > bytes.size() - least) return std::nullopt;
    put(luks::secondary_magic, std::span(header.image).subspan(second));
  }
  try {
    header.header = luks::parse_header(header.image);
  } catch (const Error&) {
    return std::nullopt;
  }
  const bool intact = std::ranges::all_of(
      header.header.copies, [](const luks::HeaderCopy& copy) { return copy.problem.empty(); });
  if (!intact || header.header.end > bytes.size()) return std::nullopt;
  header.image.resize(header.header.end);
  // Not one that has its magic, or has lost it in another way.
  if (std::ranges::equal(header.image, bytes.first(header.header.end)) ||
      !std::ranges::equal(without_magic(header, found.note).image,
                          bytes.first(header.header.end))) {
    return std::nullopt;
  }
  return found;
}

void remove_magic(Source& place) {
  constexpr std::array<std::byte, 512> nothing{};
  luks::Header header;
  try {
    header = load_header(place, HeaderPart::metadata).header;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::io) throw;
    return;
  }
  for (const luks::HeaderCopy& copy : header.copies)
    place.write(nothing, copy.offset, Durability::cached);
  place.flush();
}

}  // namespace luksdetached::edit
