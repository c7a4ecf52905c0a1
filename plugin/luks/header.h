// What a LUKS header says, as a value: parsed from bytes, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "crypto/argon2.h"
#include "crypto/cipher_spec.h"
#include "crypto/hash.h"

namespace luksdetached::luks {

/// Into how many stripes every volume key is split (LUKS1, section 2.4).
inline constexpr std::uint32_t luks_stripes = 4000;

/// Most bytes that the metadata of a header can take: two LUKS2 copies of 4 MiB.
inline constexpr std::uint64_t max_metadata_bytes = std::uint64_t{8} << 20;
/// Most bytes of metadata and key slot areas together: LUKS2 allows 128 MiB for the areas.
inline constexpr std::uint64_t max_header_bytes = max_metadata_bytes + (std::uint64_t{128} << 20);

struct Pbkdf2Cost {
  Hash hash;
  std::uint32_t iterations;  ///< 1 or more
};

struct Argon2Kdf {
  Argon2Variant variant;
  Argon2Cost cost;
};

/// How a secret becomes the key of a key slot area.
struct Kdf {
  std::variant<Pbkdf2Cost, Argon2Kdf> cost;
  std::vector<std::byte> salt;
};

/// Key slots are encrypted in sectors of so many bytes, whatever the volume's are.
inline constexpr std::size_t area_sector_bytes = 512;

/// A place in the header that holds the volume key, split and encrypted with a derived key. What
/// `unusable` is about is missing from the rest.
struct Keyslot {
  unsigned id = 0;            ///< 0 to 7 in LUKS1, 0 to 31 in LUKS2
  std::string type;           ///< "luks1" or "luks2"; others hold no key that could be tried
  bool bound = true;          ///< protects the key of the segment; others are never tried
  unsigned priority = 1;      ///< 2 is tried first, then 1; 0 only when asked for by number
  std::size_t key_bytes = 0;  ///< of the volume key inside
  Kdf kdf;
  std::optional<Hash> af_hash;   ///< of the anti-forensic splitter
  std::uint32_t af_stripes = 0;  ///< as the header has it; there are luks_stripes all the same
  std::string area_encryption;   ///< as the header spells it
  CipherSpec area_cipher;        ///< the same, taken apart: its sectors count from 0
  std::size_t area_key_bytes = 0;
  std::uint64_t area_offset = 0;  ///< bytes from the start of the header
  std::uint64_t area_bytes = 0;   ///< what of it holds key material: whole sectors
  std::string unusable;           ///< why this version cannot try it, or empty
};

/// Tells a right volume key from a wrong one: PBKDF2 of the key.
struct Digest {
  Pbkdf2Cost cost;
  std::vector<std::byte> salt;
  std::vector<std::byte> digest;  ///< 20 to 64 bytes
};

/// The encrypted area of the payload.
struct Segment {
  std::uint64_t offset = 0;           ///< bytes; 0 for most detached headers
  std::optional<std::uint64_t> size;  ///< bytes; nothing: to the end of the payload
  std::size_t sector_size = 512;      ///< 512, 1024, 2048 or 4096
  std::string encryption;             ///< as the header spells it
  CipherSpec cipher;                  ///< the same, taken apart
};

/// A LUKS2 token: it says where a secret could come from.
struct Token {
  unsigned id = 0;  ///< 0 to 31
  std::string type;
  std::vector<unsigned> keyslots;  ///< that its secret opens
  std::string jwe{};  ///< type "clevis": the secret, encrypted, as RFC 7516 writes it in
                      ///< compact form; empty when it cannot be read
};

/// One of the two copies of LUKS2's metadata.
struct HeaderCopy {
  std::uint64_t offset = 0;    ///< bytes; 0: the primary
  std::uint64_t sequence = 0;  ///< of two good copies the one with the higher number counts; 0 when
                               ///< it cannot be read
  bool used = false;           ///< the rest of the Header is what this copy says
  std::string problem;         ///< a sentence that says why it is bad, or empty
};

/// What is there to open a volume with.
enum class Opener { secret, volume_key };

/// Why an intact header is not served.
struct Refusal {
  ErrorKind kind;  ///< unsupported or policy
  std::string message;
  bool of_secrets = false;  ///< no secret opens it; the volume key does
};

/// A header that is intact and consistent. Only where `refusals` is empty can it be served; else
/// what the refusals are about may be missing from the rest.
struct Header {
  unsigned version = 0;  ///< 1 or 2
  std::string uuid;
  std::string label;               ///< LUKS2, may be empty
  std::string subsystem;           ///< LUKS2, may be empty
  std::vector<std::string> flags;  ///< LUKS2: config.flags, for activation by the kernel
  std::vector<HeaderCopy> copies;  ///< LUKS2: primary, secondary; empty for LUKS1
  std::vector<Refusal> refusals;   ///< the most telling first
  Segment segment;
  Digest digest;                                ///< of the segment's volume key
  std::optional<std::size_t> volume_key_bytes;  ///< nothing: LUKS2 without a key slot for it
  std::vector<Keyslot> keyslots;                ///< in the order of their numbers
  std::vector<Token> tokens;                    ///< in the order of their numbers
  std::uint64_t key_material_end = 0;           ///< bytes from the start that unlocking needs
  std::uint64_t end = 0;              ///< bytes from the start to the end of the key slot area
  std::vector<std::string> warnings;  ///< sentences for the log: what was found wrong but harmless
};

/// How many bytes `begins_like_header` looks at.
inline constexpr std::size_t magic_bytes = 6;

/// Does a LUKS header begin here, as far as its magic says? Ciphertext does once in 2^48 times.
bool begins_like_header(std::span<const std::byte> bytes) noexcept;

/// How many bytes from the start of the header `parse_header` needs, given its first 4096 (or all
/// there are). At most max_metadata_bytes.
std::uint64_t metadata_size(std::span<const std::byte> first_bytes) noexcept;

/// Parses and validates the metadata of a LUKS1 or LUKS2 header. `bytes` is what metadata_size
/// asked for, or less when the source is shorter. Throws Error: not_luks, header_damaged (and
/// where), unsupported for a LUKS version that nobody knows. What an intact header has that is not
/// supported or against policy is in its `refusals`.
Header parse_header(std::span<const std::byte> bytes);

/// Throws Error with the first of the header's refusals, if there is one that matters to `opener`.
void check_servable(const Header& header, Opener opener = Opener::secret);

/// The sequence number of the copy that is used: it grows with every change. Nothing for LUKS1.
std::optional<std::uint64_t> sequence_of(const Header& header) noexcept;

}  // namespace luksdetached::luks
