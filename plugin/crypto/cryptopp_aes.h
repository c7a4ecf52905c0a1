// What Crypto++'s AES is made of on this CPU. Included by .cpp files of this folder only.
#pragma once

#include <crypto++/aes.h>

#include "crypto/sector_cipher_kernels.h"

namespace luksdetached {

/// Does it use the CPU's own instructions for everything? Otherwise it looks up tables by secret
/// bytes: on ARM and POWER, with instructions for AES, too, when it makes round keys, which we let
/// it do for each run of sectors.
inline bool cryptopp_aes_is_constant_time() {
  return have_aesni() && CryptoPP::AES::Encryption().AlgorithmProvider() == "AESNI";
}

}  // namespace luksdetached
