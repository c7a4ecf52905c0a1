#include "without_magic.h"

#include <algorithm>
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

}  // namespace

LoadedHeader without_magic(const LoadedHeader& header) {
  LoadedHeader without = header;
  std::fill_n(without.image.begin(), luks::magic_bytes, std::byte{0});
  for (const luks::HeaderCopy& copy : header.header.copies) {
    std::fill_n(without.image.begin() + static_cast<std::ptrdiff_t>(copy.offset), luks::magic_bytes,
                std::byte{0});
  }
  return without;
}

std::optional<LoadedHeader> find_without_magic(std::span<const std::byte> bytes) {
  constexpr std::size_t least = 512;
  const auto begin = bytes.first(std::min(bytes.size(), luks::magic_bytes));
  if (bytes.size() < least ||
      std::ranges::any_of(begin, [](std::byte byte) { return byte != std::byte{0}; })) {
    return std::nullopt;
  }
  LoadedHeader found;
  found.image.assign(bytes.begin(), bytes.end());
  put(luks::primary_magic, found.image);
  if (load_be(bytes.subspan(version_at, 2)) == 2) {
    const std::uint64_t second = load_be(bytes.subspan(size_at, 8));
    if (second > bytes.size() - least) return std::nullopt;
    put(luks::secondary_magic, std::span(found.image).subspan(second));
  }
  try {
    found.header = luks::parse_header(found.image);
  } catch (const Error&) {
    return std::nullopt;
  }
  const bool intact = std::ranges::all_of(
      found.header.copies, [](const luks::HeaderCopy& copy) { return copy.problem.empty(); });
  if (!intact || found.header.end > bytes.size()) return std::nullopt;
  found.image.resize(found.header.end);
  // Not one that has lost its magic in another way.
  if (!std::ranges::equal(without_magic(found).image, bytes.first(found.header.end))) {
    return std::nullopt;
  }
  return found;
}

}  // namespace luksdetached::edit
