#include "luks/header.h"

#include <algorithm>

#include "base/option_text.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t version_offset = 6;
constexpr std::size_t luks2_size_offset = 8;

template <typename Integer>
Integer load_be(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  Integer value = 0;
  for (const std::byte b : bytes.subspan(offset, sizeof(Integer))) {
    value = static_cast<Integer>(value << 8 | static_cast<Integer>(b));
  }
  return value;
}

bool holds(std::span<const std::byte> bytes, std::size_t offset, std::string_view text) noexcept {
  return bytes.size() >= offset && begins_with(bytes.subspan(offset), text);
}

// A LUKS2 volume whose primary copy is destroyed still has the secondary, at one of these places.
bool has_luks2_secondary(std::span<const std::byte> bytes) noexcept {
  return std::any_of(copy_sizes.begin(), copy_sizes.end(),
                     [&](std::uint64_t offset) { return holds(bytes, offset, secondary_magic); });
}

}  // namespace

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) noexcept {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

std::uint16_t load_be16(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  return load_be<std::uint16_t>(bytes, offset);
}
std::uint32_t load_be32(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  return load_be<std::uint32_t>(bytes, offset);
}
std::uint64_t load_be64(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  return load_be<std::uint64_t>(bytes, offset);
}

std::string load_text(std::span<const std::byte> bytes, std::size_t offset, std::size_t size,
                      std::string_view field) {
  std::string text;
  for (const std::byte b : bytes.subspan(offset, size)) {
    const auto c = static_cast<unsigned char>(b);
    if (c == 0) return text;
    if (c < 0x20 || c > 0x7e) {
      throw damaged("the field " + std::string(field) + " holds bytes that are not text");
    }
    text += static_cast<char>(c);
  }
  throw damaged("the field " + std::string(field) + " has no end");
}

Error damaged(const std::string& what) {
  return {ErrorKind::header_damaged, "the LUKS header is damaged: " + what};
}

Error unknown_version(unsigned version) {
  return {ErrorKind::unsupported,
          "LUKS version " + std::to_string(version) + " is not supported (supported: 1, 2)"};
}

std::string unsupported_hash(std::string_view name) {
  return "hash '" + std::string(name) + "' is not supported";
}

Refusal nothing_unlocks() {
  return {ErrorKind::unsupported,
          "no key slot holds the volume's key, so no secret can unlock it: if they were erased, it "
          "needs a backup of the header, or the volume key itself (" +
              option_text("volume-key") + ")",
          true};
}

std::uint64_t af_area_bytes(std::uint64_t key_bytes, std::uint64_t stripes) noexcept {
  return (key_bytes * stripes + 511) / 512 * 512;
}

bool begins_like_header(std::span<const std::byte> bytes) noexcept {
  return begins_with(bytes, primary_magic);
}

std::uint64_t metadata_size(std::span<const std::byte> first_bytes) noexcept {
  if (begins_with(first_bytes, primary_magic) && first_bytes.size() >= luks2_size_offset + 8) {
    if (load_be16(first_bytes, version_offset) == 1) return 4096;
    const std::uint64_t copy = load_be64(first_bytes, luks2_size_offset);
    if (copy <= max_metadata_bytes / 2) return std::max<std::uint64_t>(2 * copy, 4096);
  }
  return max_metadata_bytes;
}

Header parse_header(std::span<const std::byte> bytes) {
  if (begins_with(bytes, primary_magic)) {
    if (bytes.size() < version_offset + 2) throw damaged("it is truncated after its magic");
    const unsigned version = load_be16(bytes, version_offset);
    if (version == 1) return parse_luks1(bytes);
    if (version == 2 || has_luks2_secondary(bytes)) return parse_luks2(bytes);
    throw unknown_version(version);
  }
  if (has_luks2_secondary(bytes)) return parse_luks2(bytes);
  if (bytes.empty()) throw damaged("it is truncated: there are 0 bytes");
  throw Error(ErrorKind::not_luks, "there is no LUKS header");
}

void check_servable(const Header& header, Opener opener) {
  for (const Refusal& refusal : header.refusals) {
    if (opener == Opener::volume_key && refusal.of_secrets) continue;
    throw Error(refusal.kind, refusal.message);
  }
}

std::optional<std::uint64_t> sequence_of(const Header& header) noexcept {
  for (const HeaderCopy& copy : header.copies) {
    if (copy.used) return copy.sequence;
  }
  return std::nullopt;
}

}  // namespace luksdetached::luks
