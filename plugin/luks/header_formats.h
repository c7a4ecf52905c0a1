// The two on-disk formats behind parse_header. Included by this folder only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "luks/header.h"

namespace luksdetached::luks {

inline constexpr std::string_view primary_magic{"LUKS\xba\xbe", magic_bytes};
inline constexpr std::string_view secondary_magic{"SKUL\xba\xbe", magic_bytes};

/// What one copy of LUKS2's metadata can have, in bytes; the secondary copy begins where the
/// primary one ends.
inline constexpr std::array<std::uint64_t, 9> copy_sizes{
    16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20};

/// Bytes of the binary header in front of the JSON area.
inline constexpr std::uint64_t luks2_binary_bytes = 4096;
/// The type of the key slots that hold a key.
inline constexpr std::string_view luks2_keyslot_type = "luks2";
/// Bytes of each salt of a key derivation. LUKS2's metadata could have others; nothing opens them.
inline constexpr std::size_t luks_salt_bytes = 32;

/// Do `bytes` begin with `magic`?
bool begins_with(std::span<const std::byte> bytes, std::string_view magic) noexcept;

/// Big-endian integers at `offset`, which must lie within `bytes`.
std::uint16_t load_be16(std::span<const std::byte> bytes, std::size_t offset) noexcept;
std::uint32_t load_be32(std::span<const std::byte> bytes, std::size_t offset) noexcept;
std::uint64_t load_be64(std::span<const std::byte> bytes, std::size_t offset) noexcept;

/// The text in a NUL-terminated field of `size` bytes. Throws header_damaged that names the field
/// when the NUL is missing or the text is not printable ASCII.
std::string load_text(std::span<const std::byte> bytes, std::size_t offset, std::size_t size,
                      std::string_view field);

/// A header_damaged error about `what`.
Error damaged(const std::string& what);

/// An unsupported error that names the version.
Error unknown_version(unsigned version);

/// Says that the hash `name` is not supported.
std::string unsupported_hash(std::string_view name);

/// Why a header without a key slot for its volume is refused to secrets.
Refusal nothing_unlocks();

/// Bytes of the split volume key on disk, in whole sectors of 512 (LUKS1, section 2.4).
std::uint64_t af_area_bytes(std::uint64_t key_bytes, std::uint64_t stripes) noexcept;

Header parse_luks1(std::span<const std::byte> bytes);
Header parse_luks2(std::span<const std::byte> bytes);

/// Parses `text`, the JSON area of one LUKS2 copy without the NULs after it. `metadata_bytes` is
/// the size of one copy. Fills everything that the binary header does not say. Throws
/// header_damaged.
Header parse_luks2_metadata(std::string_view text, std::uint64_t metadata_bytes);

}  // namespace luksdetached::luks
