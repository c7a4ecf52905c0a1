// The names of sector ciphers, as LUKS headers and dm-crypt spell them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace luksdetached {

/// "cipher-mode-iv" taken apart, such as aes-xts-plain64 or aes-cbc-essiv:sha256
/// (cryptsetup's docs/on-disk-format-luks2, section 3.2; LUKS1 keeps cipher and mode apart).
struct CipherSpec {
  std::string cipher;     ///< "aes", "serpent", "xchacha12,aes"
  std::string mode;       ///< "xts", "cbc", "adiantum"
  std::string iv;         ///< "plain", "plain64", "plain64be", "essiv"
  std::string iv_option;  ///< what stands after the colon: "sha256" for essiv, else empty

  /// The spelling that was parsed.
  std::string text() const;
  bool operator==(const CipherSpec&) const = default;
};

/// Takes `text` apart. Throws Error(unsupported) that names it when it has not that shape;
/// dm-crypt's other notation, "capi:…", among it. Whether the parts are known is `check_cipher`'s
/// business.
CipherSpec parse_cipher_spec(std::string_view text);

}  // namespace luksdetached
