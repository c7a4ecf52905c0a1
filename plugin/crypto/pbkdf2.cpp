#include "crypto/pbkdf2.h"

#include <algorithm>
#include <array>

#include "crypto/hash_types.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

// HMAC with a fixed key: both pads are hashed once, every message starts from copies of the two
// states, which halves the work against hashing the pads again each time.
template <typename HashType>
struct Pbkdf2State {
  static constexpr std::size_t digest_bytes = HashType::DIGESTSIZE;
  static constexpr std::size_t block_bytes = HashType::BLOCKSIZE;
  using Digest = std::array<std::byte, digest_bytes>;

  HashType inner_start, outer_start;  // after the key's pads
  HashType working;
  std::array<std::byte, block_bytes> pad{};
  Digest chain{};  // U_i
  Digest block{};  // T_i

  explicit Pbkdf2State(std::span<const std::byte> key) {
    if (key.size() > block_bytes) {
      working.Update(as_bytes(key.data()), key.size());
      working.Final(as_bytes(pad.data()));
    } else {
      std::copy(key.begin(), key.end(), pad.begin());
    }
    for (std::byte& b : pad) b ^= std::byte{0x36};
    inner_start.Update(as_bytes(pad.data()), pad.size());
    for (std::byte& b : pad) b ^= std::byte{0x36} ^ std::byte{0x5c};
    outer_start.Update(as_bytes(pad.data()), pad.size());
  }

  // `working` holds the inner state after the message; leaves the HMAC in `chain`.
  void finish_hmac() {
    working.Final(as_bytes(chain.data()));
    working = outer_start;
    working.Update(as_bytes(chain.data()), chain.size());
    working.Final(as_bytes(chain.data()));
  }

  void derive_block(std::span<const std::byte> salt, std::uint32_t index,
                    std::uint32_t iterations) {
    const std::array<std::byte, 4> big_endian_index{std::byte(index >> 24), std::byte(index >> 16),
                                                    std::byte(index >> 8), std::byte(index)};
    working = inner_start;
    working.Update(as_bytes(salt.data()), salt.size());
    working.Update(as_bytes(big_endian_index.data()), big_endian_index.size());
    finish_hmac();
    block = chain;
    for (std::uint32_t i = 1; i < iterations; ++i) {
      working = inner_start;
      working.Update(as_bytes(chain.data()), chain.size());
      finish_hmac();
      for (std::size_t n = 0; n < digest_bytes; ++n) block[n] ^= chain[n];
    }
  }
};

}  // namespace

void pbkdf2(Hash hash, std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::uint32_t iterations, std::span<std::byte> key) {
  with_hash_type(hash, [&]<typename T>(std::type_identity<T>) {
    SecureObject<Pbkdf2State<T>> state(secret);
    std::uint32_t index = 1;
    while (!key.empty()) {
      state->derive_block(salt, index++, iterations);
      const std::size_t part = std::min(key.size(), state->block.size());
      std::copy_n(state->block.begin(), part, key.begin());
      key = key.subspan(part);
    }
  });
}

}  // namespace luksdetached
