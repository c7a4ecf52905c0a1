// Whether this process uses its own implementation of AES-CBC, and that it computes what it should.
#pragma once

#include "crypto/sector_cipher_kernels.h"

namespace luksdetached {

/// Encrypts and decrypts some known sectors with what `make` makes. Throws Error(unsupported),
/// which calls it `name`, when what comes out is wrong: a defect of the CPU, the compiler or this
/// program, with which data would be lost.
void require_known_cbc_answer(std::string_view name, BlockCipher::Make* make);

/// Is it aes_cbc_aesni that this process uses, or else Crypto++? It is where AES-XTS has a kernel
/// of our own, for which there is LUKSDETACHED_AES_KERNEL, too. It has given its known answer.
/// Throws as aes_xts_kernel() and as the one above.
bool uses_aes_cbc_aesni();

}  // namespace luksdetached
