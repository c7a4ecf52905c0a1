// Makes LUKS headers in memory: small, valid and cheap to unlock, for tests to spoil.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "../base/testing.h"
#include "crypto/hash.h"
#include "luks/header.h"

namespace luksdetached::testing {

inline constexpr std::string_view header_uuid = "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11";
inline constexpr std::uint32_t af_stripes = 4000;

void put_be16(Bytes& bytes, std::size_t offset, std::uint16_t value);
void put_be32(Bytes& bytes, std::size_t offset, std::uint32_t value);
void put_be64(Bytes& bytes, std::size_t offset, std::uint64_t value);
void put_text(Bytes& bytes, std::size_t offset, std::string_view text);

/// Splits `key` so that StripeMerger gives it back. Written from the specification (LUKS1, section
/// 2.4), apart from the library's own half.
Bytes split_key(std::span<const std::byte> key, std::uint32_t stripes, Hash hash);

/// The area of a key slot: `volume_key`, split, encrypted with `area_key`.
Bytes key_material(std::span<const std::byte> volume_key, std::uint32_t stripes, Hash hash,
                   std::string_view cipher, std::span<const std::byte> area_key);

// ---- LUKS1 ----

namespace luks1 {
inline constexpr std::size_t header_bytes = 592;
inline constexpr std::size_t version = 6, cipher_name = 8, cipher_mode = 40, hash_spec = 72,
                             payload_offset = 104, key_bytes = 108, mk_digest = 112,
                             mk_digest_salt = 132, mk_digest_iterations = 164, uuid = 168;
/// Where the fields of key slot `id` are.
constexpr std::size_t slot(unsigned id) {
  return 208 + id * std::size_t{48};
}
inline constexpr std::size_t slot_active = 0, slot_iterations = 4, slot_salt = 8,
                             slot_material = 40, slot_stripes = 44;
inline constexpr std::uint32_t enabled = 0x00AC71F3, disabled = 0x0000DEAD;
}  // namespace luks1

/// A LUKS1 header: sha256, a detached payload, key slot 0 enabled, no key material yet.
class Luks1Image {
 public:
  explicit Luks1Image(std::string_view cipher_name = "aes",
                      std::string_view cipher_mode = "xts-plain64",
                      std::size_t volume_key_bytes = 32);

  /// Puts the volume key into key slot `id` and enables it.
  void add_key(unsigned id, std::string_view secret);

  Bytes bytes;  ///< the 592 bytes of the header, and all key slot areas once there is a key
  Bytes volume_key;

 private:
  std::string cipher_;
};

// ---- LUKS2 ----

/// Where the fields of the binary header are.
namespace luks2 {
inline constexpr std::size_t binary_bytes = 4096;
inline constexpr std::size_t version = 6, header_size = 8, sequence = 16, label = 24,
                             subsystem = 208, checksum_algorithm = 72, salt = 104, uuid = 168,
                             header_offset = 256, checksum = 448;
}  // namespace luks2

/// Computes the checksum of the copy of `size` bytes at `offset` again.
void seal(Bytes& image, std::size_t offset, std::size_t size, Hash hash = Hash::sha256);

/// A LUKS2 header: one crypt segment to the end of the payload, key slot 0 with PBKDF2, no key
/// material yet. Tests change `metadata` and the other members before they ask for the bytes.
class Luks2Image {
 public:
  explicit Luks2Image(std::size_t volume_key_bytes = 32);

  /// Adds key slot `id`, with its area and with PBKDF2, that holds `key`. `digest` lists it.
  void add_key(unsigned id, std::string_view secret);
  /// The same with a KDF of the caller's, whose result for `secret` is `area_key`.
  void add_key(unsigned id, nlohmann::json kdf, std::span<const std::byte> area_key);

  /// The JSON text of `metadata`.
  std::string json_text() const { return metadata.dump(); }
  /// One copy, primary at offset 0 or secondary elsewhere, with this JSON text.
  Bytes copy(std::size_t offset, std::string_view json, std::uint64_t sequence_number) const;
  /// Both copies and the key slot areas.
  Bytes bytes() const { return bytes(json_text()); }
  Bytes bytes(std::string_view json) const;

  nlohmann::json metadata;
  std::uint64_t sequence = 3;
  std::size_t copy_bytes = 16384;
  std::string checksum_algorithm = "sha256";
  Bytes volume_key;

 private:
  Bytes areas_;  // all of what config.keyslots_size says
};

/// The base64 text of `bytes`.
std::string to_base64(std::span<const std::byte> bytes);

}  // namespace luksdetached::testing
