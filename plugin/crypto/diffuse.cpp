#include "crypto/diffuse.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "crypto/pbkdf2_sha256.h"

namespace luksdetached {

void diffuse(Hash hash, std::span<std::byte> bytes) {
  static const bool have_shani = have_sha256_shani();
  const std::size_t size = digest_size(hash);
  std::uint32_t number = 0;
  if (have_shani && hash == Hash::sha256) {
    number = static_cast<std::uint32_t>(bytes.size() / size);
    diffuse_sha256_shani(bytes.data(), number);
  }
  for (std::span<std::byte> rest = bytes.subspan(number * size); !rest.empty(); ++number) {
    const std::span<std::byte> piece = rest.first(std::min(rest.size(), size));
    const std::array<std::byte, 4> big_endian_number{std::byte(number >> 24),
                                                     std::byte(number >> 16),
                                                     std::byte(number >> 8), std::byte(number)};
    const std::span<const std::byte> parts[] = {big_endian_number, piece};
    hash_bytes(hash, parts, piece);
    rest = rest.subspan(piece.size());
  }
}

}  // namespace luksdetached
