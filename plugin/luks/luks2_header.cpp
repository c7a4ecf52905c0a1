// The binary headers of LUKS2 (cryptsetup's docs/on-disk-format-luks2, section 2.1): two copies of
// 4096 bytes plus JSON area, each with a checksum; the one with the higher sequence number counts.
#include <algorithm>
#include <array>
#include <optional>

#include "crypto/hash.h"
#include "luks/display_text.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t label_bytes = 48;
constexpr std::size_t checksum_offset = 448;
constexpr std::size_t checksum_bytes = 64;

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
  if (!json.starts_with('{')) throw damaged("its JSON area does not begin with an object");
  return json;
}

// A label may be in any language.
std::string load_label(std::span<const std::byte> bytes, std::size_t offset) {
  const auto field = bytes.subspan(offset, label_bytes);
  const std::string_view text(reinterpret_cast<const char*>(field.data()), field.size());
  return display_text(text.substr(0, text.find('\0')));
}

// One copy: a Header when binary header, checksum and JSON are intact, else what is wrong.
struct Copy {
  std::string_view name;
  HeaderCopy state;
  std::uint64_t bytes = 0;  // 0 until the checksum is right
  std::string_view json;    // in the bytes that were read
  Header header;
  std::optional<Error> error;
};

void read(std::span<const std::byte> bytes, std::string_view magic, Copy& copy) {
  const std::uint64_t offset = copy.state.offset;
  if (bytes.size() < offset + luks2_binary_bytes) {
    throw damaged("it is truncated: there are " + std::to_string(bytes.size()) + " bytes");
  }
  const auto binary = bytes.subspan(offset);
  if (!begins_with(binary, magic)) throw damaged("its magic is missing");
  const unsigned version = load_be16(binary, 6);
  if (version != 2) throw unknown_version(version);
  const std::uint64_t size = load_be64(binary, 8);
  if (std::find(copy_sizes.begin(), copy_sizes.end(), size) == copy_sizes.end()) {
    throw damaged("its size of " + std::to_string(size) + " bytes is not one that LUKS2 has");
  }
  if (load_be64(binary, 256) != offset) throw damaged("it says that it is at another offset");
  if (offset != 0 && size != offset) throw damaged("its size and its offset disagree");
  if (binary.size() < size) {
    throw damaged("it is truncated: it says that it has " + std::to_string(size) +
                  " bytes, there are " + std::to_string(binary.size()));
  }
  const auto whole = binary.first(size);
  check_checksum(whole);
  copy.bytes = size;
  copy.state.sequence = load_be64(binary, 16);
  const std::string uuid = load_text(binary, 168, 40, "uuid");
  copy.json = json_text(whole.subspan(luks2_binary_bytes));
  copy.header = parse_luks2_metadata(copy.json, size);
  copy.header.version = 2;
  copy.header.uuid = uuid;
  copy.header.label = load_label(binary, 24);
  copy.header.subsystem = load_label(binary, 208);
}

// `why` is a whole message of ours; inside another sentence its first words are redundant.
std::string reason(const Error& error) {
  const std::string prefix = damaged("").what();
  const std::string text = error.what();
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Copy read_copy(std::string_view name, std::span<const std::byte> bytes, std::uint64_t offset,
               std::string_view magic) {
  Copy copy;
  copy.name = name;
  copy.state.offset = offset;
  try {
    read(bytes, magic, copy);
  } catch (const Error& error) {
    copy.error = error;
    copy.state.problem = reason(error);
  }
  return copy;
}

// The secondary copy follows the primary one. Where that has lost its size, every place is tried.
Copy read_secondary(std::span<const std::byte> bytes, const Copy& primary) {
  constexpr std::string_view name = "secondary";
  if (primary.bytes != 0) return read_copy(name, bytes, primary.bytes, secondary_magic);
  Copy best;
  best.name = name;
  best.error = damaged("it is not at any place where it can be");
  for (const std::uint64_t offset : copy_sizes) {
    if (bytes.size() < offset || !begins_with(bytes.subspan(offset), secondary_magic)) continue;
    best = read_copy(name, bytes, offset, secondary_magic);
    if (!best.error) break;
  }
  return best;
}

Error both_bad(const Error& primary, const Error& secondary) {
  if (primary.kind() == ErrorKind::unsupported) return primary;
  const std::string first = reason(primary);
  const std::string second = reason(secondary);
  if (first == second) return damaged(first + " (in both copies)");
  return damaged("both copies of the LUKS2 header are bad (primary: " + first +
                 "; secondary: " + second + ")");
}

// What the log has to say of the copy that is not used, or nothing.
std::string warning_about(const Copy& used, const Copy& other) {
  const bool differ =
      other.state.sequence != used.state.sequence && (!other.error || other.state.sequence != 0);
  if (!other.error && !differ) {
    const bool same = other.json == used.json && other.header.uuid == used.header.uuid &&
                      other.header.label == used.header.label &&
                      other.header.subsystem == used.header.subsystem;
    return same ? ""
                : "the two copies of the LUKS2 header have the same sequence number and differ; "
                  "the " +
                      std::string(used.name) + " copy is used";
  }
  std::string text = "the " + std::string(used.name) + " copy of the LUKS2 header is used: the " +
                     std::string(other.name) + " copy is ";
  if (other.error) text += "damaged: " + other.state.problem;
  if (other.error && differ) text += "; it is ";
  // An older copy may revive a key slot that was removed.
  if (differ) {
    const bool newer = other.state.sequence > used.state.sequence;
    text += std::string(newer ? "newer" : "older") + " (sequence " +
            std::to_string(other.state.sequence) + ", not " + std::to_string(used.state.sequence) +
            ")";
    if (newer) text += ", so a removed key slot may open again";
  }
  return text;
}

}  // namespace

Header parse_luks2(std::span<const std::byte> bytes) {
  Copy primary = read_copy("primary", bytes, 0, primary_magic);
  Copy secondary = read_secondary(bytes, primary);
  if (primary.error && secondary.error) throw both_bad(*primary.error, *secondary.error);
  const bool primary_counts =
      secondary.error || (!primary.error && primary.state.sequence >= secondary.state.sequence);
  Copy& used = primary_counts ? primary : secondary;
  const Copy& other = primary_counts ? secondary : primary;
  used.state.used = true;
  const std::string warning = warning_about(used, other);
  Header header = std::move(used.header);
  if (!warning.empty()) header.warnings.push_back(warning);
  header.copies = {primary.state, secondary.state};
  return header;
}

}  // namespace luksdetached::luks
