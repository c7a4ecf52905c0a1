#include "luks/encryption.h"

#include "crypto/sector_cipher.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

Encryption judge_encryption(const std::string& text, std::optional<std::size_t> key_bytes) {
  Encryption encryption;
  if (text.starts_with("capi:")) {
    encryption.refusal = {
        ErrorKind::unsupported,
        "cipher '" + text +
            "' is named for the kernel's crypto API, which is not supported: have "
            "cryptsetup reencrypt it with a cipher of an ordinary name, such as "
            "aes-xts-plain64"};
    return encryption;
  }
  try {
    encryption.cipher = parse_cipher_spec(text);
    check_cipher(encryption.cipher);
    if (key_bytes) check_cipher(encryption.cipher, *key_bytes);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::policy || error.kind() == ErrorKind::unsupported) {
      encryption.refusal = {error.kind(), error.what()};
    } else {
      throw damaged(error.what());
    }
  }
  return encryption;
}

}  // namespace luksdetached::luks
