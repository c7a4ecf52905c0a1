#include "crypto/cipher_spec.h"

#include "base/error.h"

namespace luksdetached {

std::string CipherSpec::text() const {
  std::string text = cipher + "-" + mode;
  if (!iv.empty()) text += "-" + iv;
  if (!iv_option.empty()) text += ":" + iv_option;
  return text;
}

CipherSpec parse_cipher_spec(std::string_view text) {
  const auto unsupported = [&] {
    return Error(ErrorKind::unsupported, "cipher '" + std::string(text) +
                                             "' is not supported (supported: aes with xts or "
                                             "cbc, such as aes-xts-plain64)");
  };
  CipherSpec spec;
  const std::size_t after_cipher = text.find('-');
  if (after_cipher == std::string_view::npos) throw unsupported();
  spec.cipher = text.substr(0, after_cipher);
  std::string_view rest = text.substr(after_cipher + 1);
  const std::size_t after_mode = rest.find('-');
  spec.mode = rest.substr(0, after_mode);
  if (after_mode != std::string_view::npos) {
    rest = rest.substr(after_mode + 1);
    const std::size_t after_iv = rest.find(':');
    spec.iv = rest.substr(0, after_iv);
    if (after_iv != std::string_view::npos) spec.iv_option = rest.substr(after_iv + 1);
  }
  if (spec.cipher.empty() || spec.mode.empty()) throw unsupported();
  return spec;
}

}  // namespace luksdetached
