// What Crypto++'s AES is made of on this CPU. Included by .cpp files of this folder only.
#pragma once

#include <crypto++/aes.h>

#include <string>

namespace luksdetached {

/// Does it use the CPU's own instructions? Otherwise it looks up tables by secret bytes.
inline bool cryptopp_aes_is_constant_time() {
  const std::string provider = CryptoPP::AES::Encryption().AlgorithmProvider();
  return provider != "C++" && provider != "SSE2";
}

}  // namespace luksdetached
