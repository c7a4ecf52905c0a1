#include "crypto/sector_cipher.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "crypto/aes_cbc_kernel.h"
#include "crypto/aes_xts_kernels.h"
#include "crypto/hash.h"
#include "crypto/sector_cipher_kernels.h"

namespace luksdetached {

namespace {

// Adiantum (mode "adiantum") by the names that dm-crypt gives its two ciphers, with XChaCha's
// rounds.
constexpr std::pair<std::string_view, unsigned> adiantum_rounds[] = {
    {"xchacha12,aes", 12},
    {"xchacha20,aes", 20},
};
constexpr std::size_t adiantum_key_bytes = 32;

// IVs that dm-crypt has besides ours: a volume with one of them is no mistake.
constexpr std::string_view other_ivs[] = {"benbi", "eboiv",  "elephant", "lmk",
                                          "null",  "random", "tcw"};

Error unsupported(const CipherSpec& spec, const std::string& why) {
  return {ErrorKind::unsupported, "cipher '" + spec.text() + "' is not supported: " + why};
}

Error refused(const CipherSpec& spec, const std::string& why) {
  return {ErrorKind::policy, "cipher '" + spec.text() + "' " + why};
}

std::string known_ciphers() {
  std::string text;
  for (const BlockCipher& cipher : cryptopp_block_ciphers()) {
    text += std::string(cipher.name) + ", ";
  }
  for (const auto& [name, rounds] : adiantum_rounds) text += std::string(name) + ", ";
  text.resize(text.size() - 2);
  return text;
}

const BlockCipher* find_block_cipher(std::string_view name) {
  const auto ciphers = cryptopp_block_ciphers();
  const auto found = std::find_if(ciphers.begin(), ciphers.end(),
                                  [&](const BlockCipher& cipher) { return cipher.name == name; });
  return found == ciphers.end() ? nullptr : &*found;
}

std::optional<unsigned> find_adiantum(std::string_view name) {
  for (const auto& [cipher, rounds] : adiantum_rounds) {
    if (cipher == name) return rounds;
  }
  return std::nullopt;
}

// Throws unless the IV is one of ours; that of essiv has an option, which is checked elsewhere.
IvKind check_iv(const CipherSpec& spec) {
  constexpr std::string_view known = "plain, plain64, plain64be, essiv:HASH";
  const std::optional<IvKind> kind = find_iv_kind(spec.iv);
  if (!kind) {
    const bool other = std::ranges::find(other_ivs, spec.iv) != std::end(other_ivs);
    throw unsupported(spec, "IV '" + spec.iv + (other ? "' is not implemented" : "' is unknown") +
                                " here (known: " + std::string(known) + ")");
  }
  if (kind != IvKind::essiv && !spec.iv_option.empty()) {
    throw unsupported(spec, "IV '" + spec.iv + "' takes no option");
  }
  return *kind;
}

void check_block_cipher(const CipherSpec& spec, const BlockCipher& cipher) {
  if (spec.mode == "ecb") {
    throw refused(
        spec,
        "is refused: ecb encrypts equal blocks to equal ciphertext, wherever they are, so "
        "that the payload shows patterns of the data; aes-xts-plain64 does not (cryptsetup "
        "reencrypt --cipher gives a volume another cipher)");
  }
  if (spec.mode != "xts" && spec.mode != "cbc") {
    throw unsupported(spec, "mode '" + spec.mode + "' is unknown here (known: xts, cbc)");
  }
  if (spec.mode == "xts" && cipher.block_bytes != 16) {
    throw unsupported(
        spec, "xts needs a cipher with blocks of 128 bits, which '" + spec.cipher + "' has not");
  }
  if (check_iv(spec) != IvKind::essiv) return;
  const std::optional<Hash> hash = find_hash(spec.iv_option);
  if (!hash || !cipher.has_key_of(digest_size(*hash))) {
    throw unsupported(spec, "essiv needs a hash whose digest is a key of '" + spec.cipher +
                                "', such as essiv:sha256");
  }
}

void check_adiantum(const CipherSpec& spec) {
  if (spec.mode != "adiantum") {
    throw unsupported(spec, "'" + spec.cipher + "' has only the mode adiantum");
  }
  if (check_iv(spec) == IvKind::essiv) {
    throw unsupported(spec, "adiantum takes no essiv (known: plain, plain64, plain64be)");
  }
}

bool fits(const BlockCipher& cipher, std::string_view mode, std::size_t key_bytes) {
  if (mode == "xts") return key_bytes % 2 == 0 && cipher.has_key_of(key_bytes / 2);
  return cipher.has_key_of(key_bytes);
}

}  // namespace

void check_cipher(const CipherSpec& spec) {
  if (spec.cipher == "cipher_null" || spec.cipher == "null") {
    throw refused(spec,
                  "does not encrypt at all and is refused: data served from such a volume could "
                  "come from anyone who can write to its header or payload; to use what is in it, "
                  "copy it to a volume that is encrypted");
  }
  if (const BlockCipher* cipher = find_block_cipher(spec.cipher)) {
    check_block_cipher(spec, *cipher);
  } else if (find_adiantum(spec.cipher)) {
    check_adiantum(spec);
  } else {
    throw unsupported(spec, "block cipher '" + spec.cipher +
                                "' is unknown here (known: " + known_ciphers() + ")");
  }
}

bool key_fits(const CipherSpec& spec, std::size_t key_bytes) {
  const BlockCipher* cipher = find_block_cipher(spec.cipher);
  return cipher != nullptr ? fits(*cipher, spec.mode, key_bytes) : key_bytes == adiantum_key_bytes;
}

void check_cipher(const CipherSpec& spec, std::size_t key_bytes) {
  check_cipher(spec);
  if (key_fits(spec, key_bytes)) return;
  throw Error(ErrorKind::header_damaged, "a key of " + std::to_string(key_bytes * 8) +
                                             " bits does not fit cipher '" + spec.text() + "'");
}

std::unique_ptr<SectorCipher> make_sector_cipher(const CipherSpec& spec,
                                                 std::span<const std::byte> key,
                                                 std::size_t sector_size) {
  const IvKind iv = *find_iv_kind(spec.iv);
  if (const auto rounds = find_adiantum(spec.cipher)) {
    return make_adiantum(*rounds, iv, key, sector_size);
  }
  const bool plain_iv = iv == IvKind::plain || iv == IvKind::plain64;
  const bool key_of_kernel = key.size() == 32 || key.size() == 64;
  if (spec.cipher == "aes" && spec.mode == "xts" && plain_iv && key_of_kernel) {
    if (const AesXtsKernel* kernel = aes_xts_kernel()) return kernel->make(iv, key, sector_size);
  }
  if (spec.cipher == "aes" && spec.mode == "cbc" && uses_aes_cbc_aesni()) {
    return make_aes_cbc_aesni(spec, key, sector_size);
  }
  return find_block_cipher(spec.cipher)->make(spec, key, sector_size);
}

std::string supported_ciphers() {
  std::string text;
  const auto add = [&](std::string_view cipher, std::string_view mode,
                       std::initializer_list<std::string_view> ivs) {
    for (const std::string_view iv : ivs) {
      if (!text.empty()) text += ' ';
      text += std::string(cipher) + "-" + std::string(mode) + "-" + std::string(iv);
    }
  };
  for (const BlockCipher& cipher : cryptopp_block_ciphers()) {
    for (const std::string_view mode : {"xts", "cbc"}) {
      if (mode == "xts" && cipher.block_bytes != 16) continue;
      add(cipher.name, mode, {"plain64", "plain", "plain64be", "essiv:HASH"});
    }
  }
  for (const auto& [name, rounds] : adiantum_rounds) {
    add(name, "adiantum", {"plain64", "plain", "plain64be"});
  }
  return text;
}

}  // namespace luksdetached
