// What a header says of a cipher, judged.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "crypto/cipher_spec.h"
#include "luks/header.h"

namespace luksdetached::luks {

/// A cipher, or why it is not served.
struct Encryption {
  CipherSpec cipher;  ///< empty when `text` could not be taken apart
  std::optional<Refusal>
      refusal;  ///< names `text` and says what to do, where something can be done
};

/// Takes apart `text`, such as aes-xts-plain64, and judges it for a key of `key_bytes`, or for any
/// key where its length is not known. Throws header_damaged when the cipher is known and has no key
/// of that length.
Encryption judge_encryption(const std::string& text, std::optional<std::size_t> key_bytes);

}  // namespace luksdetached::luks
