#include "luks/volume_key.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/option_text.h"
#include "crypto/pbkdf2.h"
#include "crypto/sector_cipher.h"

namespace luksdetached::luks {

namespace {

Error not_the_key(const Header& header, const std::string& why) {
  return {ErrorKind::wrong_secret, "what " + option_text("volume-key") +
                                       " gives is not the volume key of " + header.uuid + ": " +
                                       why};
}

constexpr const char* advice =
    "; it must be the raw bytes, as cryptsetup luksDump --dump-volume-key --volume-key-file writes "
    "them";

// HMAC pads its key with zeros, so the digest does not tell a key from the same with zeros behind
// it, which would decrypt to noise and encrypt to what nobody can read.
bool may_be_padded(const CipherSpec& cipher, const SecureBuffer& key) {
  const auto bytes = key.span();
  const auto last =
      std::find_if(bytes.rbegin(), bytes.rend(), [](std::byte one) { return one != std::byte{0}; });
  for (auto size = static_cast<std::size_t>(bytes.rend() - last); size < key.size(); ++size) {
    if (key_fits(cipher, size)) return true;
  }
  return false;
}

void check_length(const Header& header, const SecureBuffer& key) {
  const std::string bytes = "it has " + std::to_string(key.size()) + " bytes";
  if (header.volume_key_bytes) {
    if (key.size() == *header.volume_key_bytes) return;
    throw not_the_key(
        header, bytes + ", that one has " + std::to_string(*header.volume_key_bytes) + advice);
  }
  const CipherSpec& cipher = header.segment.cipher;
  if (!key_fits(cipher, key.size())) {
    throw not_the_key(header, bytes + ", which no key of " + cipher.text() + " has" + advice);
  }
  if (may_be_padded(cipher, key)) {
    throw not_the_key(header, bytes + ", and without the zeros at its end it would be a key of " +
                                  cipher.text() + ", too");
  }
}

}  // namespace

bool is_digest_of(const Digest& digest, const SecureBuffer& key) {
  SecureBuffer computed(digest.digest.size());
  pbkdf2(digest.cost.hash, key.span(), digest.salt, digest.cost.iterations, computed.span());
  return equal_in_constant_time(computed.span(), digest.digest);
}

Unlocked unlock_with_volume_key(const Header& header, const SecureBuffer& key, KdfBudget& budget) {
  check_length(header, key);
  budget.spend(header.digest.cost, header.digest.digest.size());
  if (!is_digest_of(header.digest, key)) {
    throw not_the_key(header, "the header's digest is of another key");
  }
  SecureBuffer copy(key.size());
  std::copy_n(key.data(), key.size(), copy.data());
  return {std::move(copy), std::nullopt};
}

}  // namespace luksdetached::luks
