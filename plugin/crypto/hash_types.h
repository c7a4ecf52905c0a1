// From a Hash to the Crypto++ class that computes it. Included by .cpp files of this folder only.
#pragma once

// Crypto++ marks RIPEMD-160 and others as weak only in separate headers; these are none of them.
#include <crypto++/ripemd.h>
#include <crypto++/sha.h>
#include <crypto++/whrlpool.h>

#include <cstddef>
#include <cstdlib>
#include <type_traits>

#include "crypto/hash.h"

namespace luksdetached {

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
