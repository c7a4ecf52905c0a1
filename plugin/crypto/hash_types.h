// From a Hash to the Crypto++ class that computes it. Included by .cpp files of this folder only.
#pragma once

// Crypto++ marks RIPEMD-160 and others as weak only in separate headers; these are none of them.
#include <crypto++/blake2.h>
#include <crypto++/ripemd.h>
#include <crypto++/sha.h>
#include <crypto++/sha3.h>
#include <crypto++/whrlpool.h>

#include <cstddef>
#include <cstdlib>
#include <type_traits>

#include "crypto/hash.h"

namespace luksdetached {

/// BLAKE2b or BLAKE2s whose digest has so many bytes: another function than the longest one cut off
/// (RFC 7693, section 2.5: the length is part of the parameter block).
template <typename Blake2, unsigned bytes>
struct SizedBlake2 : Blake2 {
  static constexpr unsigned DIGESTSIZE = bytes;  // NOLINT(readability-identifier-naming): Crypto++
  SizedBlake2() : Blake2(bytes) {}
};

/// Calls `use(std::type_identity<CryptoPP::…>{})` with the class for `hash`.
template <typename Use>
decltype(auto) with_hash_type(Hash hash, Use&& use) {
  switch (hash) {
    case Hash::sha1:
      return use(std::type_identity<CryptoPP::SHA1>{});
    case Hash::sha224:
      return use(std::type_identity<CryptoPP::SHA224>{});
    case Hash::sha256:
      return use(std::type_identity<CryptoPP::SHA256>{});
    case Hash::sha384:
      return use(std::type_identity<CryptoPP::SHA384>{});
    case Hash::sha512:
      return use(std::type_identity<CryptoPP::SHA512>{});
    case Hash::ripemd160:
      return use(std::type_identity<CryptoPP::RIPEMD160>{});
    case Hash::whirlpool:
      return use(std::type_identity<CryptoPP::Whirlpool>{});
    case Hash::sha3_224:
      return use(std::type_identity<CryptoPP::SHA3_224>{});
    case Hash::sha3_256:
      return use(std::type_identity<CryptoPP::SHA3_256>{});
    case Hash::sha3_384:
      return use(std::type_identity<CryptoPP::SHA3_384>{});
    case Hash::sha3_512:
      return use(std::type_identity<CryptoPP::SHA3_512>{});
    case Hash::blake2b_160:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2b, 20>>{});
    case Hash::blake2b_256:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2b, 32>>{});
    case Hash::blake2b_384:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2b, 48>>{});
    case Hash::blake2b_512:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2b, 64>>{});
    case Hash::blake2s_128:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2s, 16>>{});
    case Hash::blake2s_160:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2s, 20>>{});
    case Hash::blake2s_224:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2s, 28>>{});
    case Hash::blake2s_256:
      return use(std::type_identity<SizedBlake2<CryptoPP::BLAKE2s, 32>>{});
  }
  std::abort();  // not a value of the enumeration
}

/// Crypto++ works on its own byte type, which is unsigned char.
inline CryptoPP::byte* as_bytes(std::byte* data) noexcept {
  return reinterpret_cast<CryptoPP::byte*>(data);
}
inline const CryptoPP::byte* as_bytes(const std::byte* data) noexcept {
  return reinterpret_cast<const CryptoPP::byte*>(data);
}

}  // namespace luksdetached
