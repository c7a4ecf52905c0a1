#include "crypto/hash.h"

#include <crypto++/misc.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "crypto/hash_types.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

constexpr std::pair<Hash, std::string_view> names[] = {
    {Hash::sha1, "sha1"},
    {Hash::sha224, "sha224"},
    {Hash::sha256, "sha256"},
    {Hash::sha384, "sha384"},
    {Hash::sha512, "sha512"},
    {Hash::ripemd160, "ripemd160"},
    {Hash::whirlpool, "whirlpool"},
    {Hash::sha3_224, "sha3-224"},
    {Hash::sha3_256, "sha3-256"},
    {Hash::sha3_384, "sha3-384"},
    {Hash::sha3_512, "sha3-512"},
    {Hash::blake2b_160, "blake2b-160"},
    {Hash::blake2b_256, "blake2b-256"},
    {Hash::blake2b_384, "blake2b-384"},
    {Hash::blake2b_512, "blake2b-512"},
    {Hash::blake2s_128, "blake2s-128"},
    {Hash::blake2s_160, "blake2s-160"},
    {Hash::blake2s_224, "blake2s-224"},
    {Hash::blake2s_256, "blake2s-256"},
};

// What OpenSSL also calls them, so that cryptsetup takes and writes these names.
constexpr std::pair<Hash, std::string_view> other_names[] = {
    {Hash::sha1, "sha-1"},
    {Hash::sha224, "sha-224"},
    {Hash::sha224, "sha2-224"},
    {Hash::sha256, "sha-256"},
    {Hash::sha256, "sha2-256"},
    {Hash::sha384, "sha-384"},
    {Hash::sha384, "sha2-384"},
    {Hash::sha512, "sha-512"},
    {Hash::sha512, "sha2-512"},
    {Hash::ripemd160, "ripemd-160"},
    {Hash::ripemd160, "ripemd"},
    {Hash::ripemd160, "rmd160"},
    {Hash::blake2b_512, "blake2b512"},
    {Hash::blake2s_256, "blake2s256"},
};

bool same_letters(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

std::optional<Hash> find_hash(std::string_view name) noexcept {
  for (const auto& [hash, known] : names) {
    if (same_letters(name, known)) return hash;
  }
  for (const auto& [hash, known] : other_names) {
    if (same_letters(name, known)) return hash;
  }
  return std::nullopt;
}

std::string_view hash_name(Hash hash) noexcept {
  for (const auto& [known, name] : names) {
    if (hash == known) return name;
  }
  return {};
}

std::string supported_hashes() {
  std::string text;
  for (const auto& [hash, name] : names) {
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

std::size_t digest_size(Hash hash) noexcept {
  return with_hash_type(hash, []<typename T>(std::type_identity<T>) -> std::size_t {
    return static_cast<std::size_t>(T::DIGESTSIZE);
  });
}

void hash_bytes(Hash hash, std::span<const std::span<const std::byte>> parts,
                std::span<std::byte> digest) {
  with_hash_type(hash, [&]<typename T>(std::type_identity<T>) {
    T function;
    for (const auto& part : parts) function.Update(as_bytes(part.data()), part.size());
    function.TruncatedFinal(as_bytes(digest.data()), digest.size());
  });
}

bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() &&
         CryptoPP::VerifyBufsEqual(as_bytes(a.data()), as_bytes(b.data()), a.size());
}

}  // namespace luksdetached
