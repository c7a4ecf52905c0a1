#include "crypto/aes_cbc_kernel.h"

#include <array>
#include <string>

#include "base/error.h"
#include "crypto/aes_xts_kernels.h"
#include "crypto/known_sectors.h"

namespace luksdetached {

namespace {

// As OpenSSL computed it; Crypto++ agrees (aes_cbc_kernel_test).
constexpr std::array<unsigned char, 32> known_answer{
    0x10, 0x4f, 0xdc, 0x2d, 0xcb, 0x5e, 0xc6, 0x3e, 0x0c, 0x03, 0xdb, 0x03, 0xb4, 0xe6, 0x8c, 0x53,
    0xb8, 0x3d, 0x36, 0x18, 0xf4, 0x52, 0x0b, 0x27, 0x5d, 0xf5, 0x21, 0x62, 0x1d, 0xc7, 0xf6, 0x0e};

}  // namespace

void require_known_cbc_answer(std::string_view name, BlockCipher::Make* make) {
  KnownSectors sectors;
  for (const std::string_view iv : {"plain", "plain64", "plain64be", "essiv:sha256"}) {
    const CipherSpec spec = parse_cipher_spec("aes-cbc-" + std::string(iv));
    for (const std::size_t key_bytes : {16U, 24U, 32U}) {
      for (const std::size_t sector_size : {512U, 4096U}) {
        sectors.pass(*make(spec, KnownSectors::key(key_bytes), sector_size), sector_size);
      }
    }
  }
  if (sectors.gave(known_answer)) return;
  throw Error(ErrorKind::unsupported,
              "AES-CBC by '" + std::string(name) +
                  "' gives a wrong answer on this CPU and would destroy data; "
                  "LUKSDETACHED_AES_KERNEL=cryptopp does without it");
}

bool uses_aes_cbc_aesni() {
  static const bool uses = [] {
    // Every CPU with a kernel of AES-XTS has AES-NI.
    if (aes_xts_kernel() == nullptr) return false;
    require_known_cbc_answer("aes-ni", make_aes_cbc_aesni);
    return true;
  }();
  return uses;
}

}  // namespace luksdetached
