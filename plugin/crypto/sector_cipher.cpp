#include "crypto/sector_cipher.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/sector_cipher_kernels.h"

namespace luksdetached {

namespace {

Error unsupported(const CipherSpec& spec, const std::string& why) {
  return Error(ErrorKind::unsupported, "cipher '" + spec.text() + "' is not supported: " + why);
}

bool is_aes_key(std::size_t bytes) {
  return bytes == 16 || bytes == 24 || bytes == 32;
}

}  // namespace

void check_cipher(const CipherSpec& spec, std::size_t key_bytes) {
  if (spec.cipher == "cipher_null" || spec.cipher == "null") {
    throw Error(
        ErrorKind::policy,
        "cipher '" + spec.text() +
            "' does not encrypt at all and is refused: data served from such a volume could "
            "come from anyone who can write to its header or payload");
  }
  if (spec.cipher != "aes") {
    throw unsupported(spec, "block cipher '" + spec.cipher + "' is unknown here (known: aes)");
  }
  if (spec.mode != "xts" && spec.mode != "cbc") {
    throw unsupported(spec, "mode '" + spec.mode + "' is unknown here (known: xts, cbc)");
  }
  if (spec.iv == "essiv") {
    const std::optional<Hash> hash = find_hash(spec.iv_option);
    if (!hash || !is_aes_key(digest_size(*hash))) {
      throw unsupported(spec, "essiv needs a hash that makes an AES key, such as essiv:sha256");
    }
  } else if (spec.iv != "plain" && spec.iv != "plain64" && spec.iv != "plain64be") {
    throw unsupported(spec, "IV '" + spec.iv +
                                "' is unknown here (known: plain, plain64, plain64be, essiv:HASH)");
  } else if (!spec.iv_option.empty()) {
    throw unsupported(spec, "IV '" + spec.iv + "' takes no option");
  }
  const bool fits = spec.mode == "xts" ? key_bytes == 32 || key_bytes == 64 : is_aes_key(key_bytes);
  if (!fits) {
    throw Error(ErrorKind::header_damaged, "a key of " + std::to_string(key_bytes * 8) +
                                               " bits does not fit cipher '" + spec.text() + "'");
  }
}

IvKind iv_kind(const CipherSpec& spec) {
  if (spec.iv == "plain") return IvKind::plain;
  if (spec.iv == "plain64be") return IvKind::plain64be;
  if (spec.iv == "essiv") return IvKind::essiv;
  return IvKind::plain64;
}

std::unique_ptr<SectorCipher> make_sector_cipher(const CipherSpec& spec,
                                                 std::span<const std::byte> key,
                                                 std::size_t sector_size) {
  const IvKind iv = iv_kind(spec);
  const bool plain_iv = iv == IvKind::plain || iv == IvKind::plain64;
  if (spec.mode == "xts" && plain_iv && have_aesni()) {
    return make_aes_xts_aesni(iv, key, sector_size);
  }
  return make_cryptopp_sector_cipher(spec, key, sector_size);
}

std::string supported_ciphers() {
  return "aes-xts-plain64 aes-xts-plain aes-xts-plain64be aes-xts-essiv:HASH aes-cbc-plain64 "
         "aes-cbc-plain aes-cbc-plain64be aes-cbc-essiv:HASH";
}

std::string_view aes_xts_kernel() {
  return have_aesni() ? "aes-ni" : "cryptopp";
}

}  // namespace luksdetached
