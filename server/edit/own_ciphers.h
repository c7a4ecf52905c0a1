// What libcryptsetup encrypts key slots with by itself; for the rest it would ask the kernel, or
// even device-mapper. Included by this folder only.
#pragma once

#include <cstddef>
#include <string_view>

namespace luksdetached::edit {

/// What the key slots that we make are encrypted with in LUKS2, whatever the data are: cryptsetup's
/// default.
inline constexpr const char* area_cipher = "aes-xts-plain64";
inline constexpr std::size_t area_key_bytes = 64;

/// Is `encryption`, as a header spells it, such a cipher? In LUKS1 key slots are encrypted as the
/// data are.
inline bool has_own_cipher(std::string_view encryption) {
  return encryption == "aes-xts-plain64" || encryption == "aes-xts-plain" ||
         encryption == "aes-cbc-plain64" || encryption == "aes-cbc-plain" ||
         encryption == "aes-cbc-essiv:sha256";
}

}  // namespace luksdetached::edit
