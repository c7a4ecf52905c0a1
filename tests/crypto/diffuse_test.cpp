#include "crypto/diffuse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "../base/testing.h"
#include "crypto/pbkdf2_sha256.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::pattern;
using testing::to_hex;

// By the definition: the hash of a piece's number and the piece.
Bytes expected_of(Hash hash, const Bytes& bytes) {
  Bytes result = bytes;
  const std::size_t size = digest_size(hash);
  for (std::size_t at = 0, number = 0; at < bytes.size(); at += size, ++number) {
    const std::array<std::byte, 4> first{std::byte{0}, std::byte{0}, std::byte{0},
                                         static_cast<std::byte>(number)};
    const std::size_t length = std::min(size, bytes.size() - at);
    const std::span<const std::byte> parts[] = {first, std::span(bytes).subspan(at, length)};
    hash_bytes(hash, parts, std::span(result).subspan(at, length));
  }
  return result;
}

TEST(DiffuseTest, EachPieceBecomesTheHashOfItsNumberAndItself) {
  for (const Hash hash : {Hash::sha1, Hash::sha256, Hash::sha512, Hash::whirlpool}) {
    for (std::size_t size = 0; size <= 200; ++size) {
      Bytes bytes = pattern(size, size);
      const Bytes expected = expected_of(hash, bytes);
      diffuse(hash, bytes);
      EXPECT_EQ(to_hex(bytes), to_hex(expected)) << hash_name(hash) << " " << size;
    }
  }
}

TEST(DiffuseTest, TheKernelDoesSo) {
  if (!have_sha256_shani()) GTEST_SKIP() << "not on this CPU";
  for (std::size_t count = 0; count < 10; ++count) {
    // At odd addresses, and with something behind it.
    const Bytes pieces = pattern(32 * count, count);
    Bytes room(1 + pieces.size() + 16, std::byte{0x5a});
    std::ranges::copy(pieces, room.begin() + 1);
    Bytes expected(room.size(), std::byte{0x5a});
    std::ranges::copy(expected_of(Hash::sha256, pieces), expected.begin() + 1);
    diffuse_sha256_shani(room.data() + 1, count);
    EXPECT_EQ(to_hex(room), to_hex(expected)) << count;
  }
}

}  // namespace
}  // namespace luksdetached
