// The hash functions of LUKS headers, by name.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace luksdetached {

/// A hash function that a header may name: for key derivation, the anti-forensic splitter, digests,
/// ESSIV and the LUKS2 header checksum.
enum class Hash {
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  ripemd160,
  whirlpool,
  sha3_224,
  sha3_256,
  sha3_384,
  sha3_512,
  blake2b_160,
  blake2b_256,
  blake2b_384,
  blake2b_512,
  blake2s_128,
  blake2s_160,
  blake2s_224,
  blake2s_256,
};

/// The hash that a header calls `name` (lower or upper case, or another name that OpenSSL has for
/// it), or nothing.
std::optional<Hash> find_hash(std::string_view name) noexcept;

/// The name as LUKS headers spell it.
std::string_view hash_name(Hash hash) noexcept;

/// The names of all hashes, for people: "sha1 sha224 …".
std::string supported_hashes();

/// Bytes of one digest: 16 to 64.
std::size_t digest_size(Hash hash) noexcept;

/// Hashes the concatenation of `parts`; `digest` has at most digest_size(hash) bytes and takes the
/// first of them.
void hash_bytes(Hash hash, std::span<const std::span<const std::byte>> parts,
                std::span<std::byte> digest);

/// Are the two of equal size and content? Takes the same time wherever they differ.
bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace luksdetached
