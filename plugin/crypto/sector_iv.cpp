#include "crypto/sector_iv.h"

#include <algorithm>

#include "crypto/hash.h"

namespace luksdetached {

std::optional<IvKind> find_iv_kind(std::string_view name) noexcept {
  if (name == "plain") return IvKind::plain;
  if (name == "plain64") return IvKind::plain64;
  if (name == "plain64be") return IvKind::plain64be;
  if (name == "essiv") return IvKind::essiv;
  return std::nullopt;
}

void write_iv(IvKind kind, std::uint64_t units_of_512, std::span<std::byte> iv) noexcept {
  if (kind == IvKind::plain) units_of_512 = static_cast<std::uint32_t>(units_of_512);
  std::fill(iv.begin(), iv.end(), std::byte{0});
  for (std::size_t n = 0; n < 8; ++n) {
    const std::size_t at = kind == IvKind::plain64be ? iv.size() - 1 - n : n;
    iv[at] = static_cast<std::byte>(units_of_512 >> (8 * n));
  }
}

SecureBuffer essiv_salt(const CipherSpec& spec, std::span<const std::byte> key) {
  if (find_iv_kind(spec.iv) != IvKind::essiv) return {};
  const Hash hash = *find_hash(spec.iv_option);
  SecureBuffer salt(digest_size(hash));
  const std::span<const std::byte> parts[] = {key};
  hash_bytes(hash, parts, salt.span());
  return salt;
}

}  // namespace luksdetached
