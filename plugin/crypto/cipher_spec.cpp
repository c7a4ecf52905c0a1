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
  const auto unsupported = [&](const std::string& why) {
    return Error(ErrorKind::unsupported,
                 "cipher '" + std::string(text) + "' is not supported: " + why);
  };
  const std::string shape = "it is not of the form cipher-mode-iv, such as aes-xts-plain64";
  if (text.starts_with("capi:")) {
    throw unsupported(
        "it names an algorithm of the Linux kernel's crypto API (capi:); open the volume with "
        "cryptsetup, or reencrypt it with an ordinary cipher (cryptsetup reencrypt --cipher "
        "aes-xts-plain64)");
  }
  CipherSpec spec;
  const std::size_t after_cipher = text.find('-');
  if (after_cipher == std::string_view::npos) throw unsupported(shape);
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
  if (spec.cipher.empty() || spec.mode.empty()) throw unsupported(shape);
  return spec;
}

}  // namespace luksdetached
