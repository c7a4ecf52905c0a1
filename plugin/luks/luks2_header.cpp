// The binary headers of LUKS2 (cryptsetup's docs/on-disk-format-luks2, section 2.1): two copies of
// 4096 bytes plus JSON area, each with a checksum; the one with the higher sequence number counts.
#include <algorithm>
#include <array>
#include <optional>

#include "crypto/hash.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t binary_bytes = 4096;
constexpr std::size_t checksum_offset = 448;
constexpr std::size_t checksum_bytes = 64;

// One copy whose binary header and checksum are right; its JSON is still to be looked at.
struct Copy {
  std::uint64_t sequence = 0;
  std::uint64_t bytes = 0;
  std::string uuid;
  std::string_view json;
};

void check_checksum(std::span<const std::byte> copy) {
  const std::string name = load_text(copy, 72, 32, "checksum algorithm");
  const std::optional<Hash> hash = find_hash(name);
  if (!hash) throw damaged("its checksum algorithm '" + name + "' is unknown");
  const std::array<std::byte, checksum_bytes> zeros{};
  std::array<std::byte, checksum_bytes> sum{};
  const std::span<std::byte> computed(sum.data(), digest_size(*hash));
  const std::span<const std::byte> parts[] = {copy.first(checksum_offset), zeros,
                                              copy.subspan(checksum_offset + checksum_bytes)};
  hash_bytes(*hash, parts, computed);
  if (!std::equal(computed.begin(), computed.end(), copy.begin() + checksum_offset)) {
    throw damaged("its checksum does not match");
  }
}

// The JSON text: from '{' to the last byte before the NULs that fill the area.
std::string_view json_text(std::span<const std::byte> area) {
  const std::string_view text(reinterpret_cast<const char*>(area.data()), area.size());
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) throw damaged("its JSON area has no terminating NUL");
  if (text.find_first_not_of('\0', end) != std::string_view::npos) {
    throw damaged("there are bytes after the end of its JSON");
  }
  const std::string_view json = text.substr(0, end);
  if (!json.starts_with('{') || !json.ends_with('}')) {
    throw damaged("its JSON area does not hold exactly one object");
  }
  return json;
}

Copy read_copy(std::span<const std::byte> bytes, std::uint64_t offset, std::string_view magic) {
  if (bytes.size() < offset + binary_bytes) {
    throw damaged("it is truncated: there are " + std::to_string(bytes.size()) + " bytes");
  }
  const auto binary = bytes.subspan(offset);
  if (!begins_with(binary, magic)) throw damaged("its magic is missing");
  const unsigned version = load_be16(binary, 6);
  if (version != 2) {
    throw Error(ErrorKind::unsupported,
                "LUKS version " + std::to_string(version) + " is not supported (supported: 1, 2)");
  }
  Copy copy;
  copy.bytes = load_be64(binary, 8);
  if (std::find(copy_sizes.begin(), copy_sizes.end(), copy.bytes) == copy_sizes.end()) {
    throw damaged("its size of " + std::to_string(copy.bytes) + " bytes is not one that LUKS2 has");
  }
  if (load_be64(binary, 256) != offset) throw damaged("it says that it is at another offset");
  if (offset != 0 && copy.bytes != offset) throw damaged("its size and its offset disagree");
  if (binary.size() < copy.bytes) {
    throw damaged("it is truncated: it says that it has " + std::to_string(copy.bytes) +
                  " bytes, there are " + std::to_string(binary.size()));
  }
  const auto whole = binary.first(copy.bytes);
  check_checksum(whole);
  copy.sequence = load_be64(binary, 16);
  copy.uuid = load_text(binary, 168, 40, "uuid");
  copy.json = json_text(whole.subspan(binary_bytes));
  return copy;
}

Header parse_copy(const Copy& copy) {
  Header header = parse_luks2_metadata(copy.json, copy.bytes);
  header.version = 2;
  header.uuid = copy.uuid;
  return header;
}

// Either a copy or why there is none.
struct Attempt {
  std::string_view which;
  std::optional<Copy> copy;
  std::optional<Error> error;
};

Attempt attempt(std::string_view which, std::span<const std::byte> bytes, std::uint64_t offset,
                std::string_view magic) {
  Attempt result{which, std::nullopt, std::nullopt};
  try {
    result.copy = read_copy(bytes, offset, magic);
  } catch (const Error& error) {
    result.error = error;
  }
  return result;
}

Attempt attempt_secondary(std::span<const std::byte> bytes, const Attempt& primary) {
  if (primary.copy) return attempt("secondary", bytes, primary.copy->bytes, secondary_magic);
  Attempt best{"secondary", std::nullopt, damaged("it is not at any place where it can be")};
  for (const std::uint64_t offset : copy_sizes) {
    if (bytes.size() < offset || !begins_with(bytes.subspan(offset), secondary_magic)) continue;
    best = attempt("secondary", bytes, offset, secondary_magic);
    if (best.copy) break;
  }
  return best;
}

// `why` is a whole message of ours; inside another sentence its first words are redundant.
std::string reason(const Error& error) {
  const std::string prefix = damaged("").what();
  const std::string text = error.what();
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

Header parse_luks2(std::span<const std::byte> bytes) {
  const Attempt primary = attempt("primary", bytes, 0, primary_magic);
  const Attempt secondary = attempt_secondary(bytes, primary);
  const Attempt* best = &primary;
  const Attempt* other = &secondary;
  const bool secondary_newer =
      primary.copy && secondary.copy && secondary.copy->sequence > primary.copy->sequence;
  if (!primary.copy || secondary_newer) std::swap(best, other);
  if (!best->copy) {
    if (primary.error->kind() == ErrorKind::unsupported) throw *primary.error;
    throw damaged("both copies of the LUKS2 header are bad (primary: " + reason(*primary.error) +
                  "; secondary: " + reason(*secondary.error) + ")");
  }

  std::optional<Error> best_error;
  Header header;
  try {
    header = parse_copy(*best->copy);
  } catch (const Error& error) {
    // What a good copy asks for is final; only damage sends us to the other one.
    if (error.kind() != ErrorKind::header_damaged || !other->copy) throw;
    best_error = error;
    try {
      header = parse_copy(*other->copy);
    } catch (const Error&) {
      throw error;
    }
    std::swap(best, other);
  }

  std::string warning = "the " + std::string(best->which) +
                        " copy of the LUKS2 header is used: the " + std::string(other->which) +
                        " copy is ";
  const bool damaged_other = best_error || other->error;
  const bool differ = other->copy && other->copy->sequence != best->copy->sequence;
  if (damaged_other) warning += "damaged: " + reason(best_error ? *best_error : *other->error);
  if (damaged_other && differ) warning += "; it is ";
  // An older copy may revive a key slot that was removed.
  if (differ) {
    const bool newer = other->copy->sequence > best->copy->sequence;
    warning += std::string(newer ? "newer" : "older") + " (sequence " +
               std::to_string(other->copy->sequence) + ", not " +
               std::to_string(best->copy->sequence) + ")";
    if (newer) warning += ", so a removed key slot may open again";
  }
  if (damaged_other || differ) header.warnings.push_back(warning);
  return header;
}

}  // namespace luksdetached::luks
