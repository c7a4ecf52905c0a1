#include "crypto/pbkdf2.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>

#include "crypto/hash_types.h"
#include "crypto/pbkdf2_sha256.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

template <typename T>
using DigestOf = std::array<std::byte, T::DIGESTSIZE>;

// The two blocks that HMAC (RFC 2104) hashes before anything else: its key, with either pad.
template <typename T>
struct Pads {
  std::array<std::byte, T::BLOCKSIZE> inner{}, outer{};

  explicit Pads(std::span<const std::byte> key) {
    if (key.size() > inner.size()) {
      T().CalculateDigest(as_bytes(inner.data()), as_bytes(key.data()), key.size());
    } else {
      std::copy(key.begin(), key.end(), inner.begin());
    }
    outer = inner;
    for (std::byte& b : inner) b ^= std::byte{0x36};
    for (std::byte& b : outer) b ^= std::byte{0x5c};
  }
};

// Writes the HMAC of the salt and the number of a block: U_1.
template <typename T>
void hash_salt(const Pads<T>& pads, std::span<const std::byte> salt, std::uint32_t number,
               DigestOf<T>& digest) {
  const std::array<std::byte, 4> big_endian_number{std::byte(number >> 24), std::byte(number >> 16),
                                                   std::byte(number >> 8), std::byte(number)};
  T hash;
  hash.Update(as_bytes(pads.inner.data()), pads.inner.size());
  hash.Update(as_bytes(salt.data()), salt.size());
  hash.Update(as_bytes(big_endian_number.data()), big_endian_number.size());
  hash.Final(as_bytes(digest.data()));
  hash.Update(as_bytes(pads.outer.data()), pads.outer.size());
  hash.Update(as_bytes(digest.data()), digest.size());
  hash.Final(as_bytes(digest.data()));
}

// The iterations with any hash: both pads are hashed once, every HMAC starts from copies of the two
// objects.
template <typename T>
struct Iterations {
  struct Start {
    T inner, outer;

    explicit Start(const Pads<T>& pads) {
      inner.Update(as_bytes(pads.inner.data()), pads.inner.size());
      outer.Update(as_bytes(pads.outer.data()), pads.outer.size());
    }
  };

  // Not in a cache line with another one, at which another thread may be.
  struct alignas(64) Block {
    DigestOf<T> chain{};  // U_i
    DigestOf<T> sum{};    // U_1 ^ … ^ U_i
    T working;

    void begin(const DigestOf<T>& first) { sum = chain = first; }

    void go_on(const Start& start, std::uint32_t iterations) {
      for (; iterations > 0; --iterations) {
        working = start.inner;
        working.Update(as_bytes(chain.data()), chain.size());
        working.Final(as_bytes(chain.data()));
        working = start.outer;
        working.Update(as_bytes(chain.data()), chain.size());
        working.Final(as_bytes(chain.data()));
        for (std::size_t n = 0; n < sum.size(); ++n) sum[n] ^= chain[n];
      }
    }

    void take(DigestOf<T>& digest) const { digest = sum; }
  };

  static void go_on(const Start& start, std::span<Block> blocks, std::uint32_t iterations) {
    for (Block& block : blocks) block.go_on(start, iterations);
  }
};

// A hash that adds block after block to a state of words, and whose digest fits into one block with
// what pads it.
template <typename T>
concept DigestFitsBlock = requires(typename T::HashWordType* words) {
  T::InitState(words);
  T::Transform(words, words);
} && std::size_t{T::DIGESTSIZE} + 1 + 2 * sizeof(typename T::HashWordType) <= T::BLOCKSIZE;

// With such a hash an iteration is two calls of what adds a block, and words stay words.
template <DigestFitsBlock T>
struct Iterations<T> {
  using Word = typename T::HashWordType;
  static constexpr bool big_endian =
      std::is_same_v<typename T::ByteOrderClass, CryptoPP::BigEndian>;
  static constexpr std::size_t block_bytes = T::BLOCKSIZE;
  static constexpr std::size_t digest_bytes = T::DIGESTSIZE;
  static constexpr std::size_t digest_words = digest_bytes / sizeof(Word);
  // A state of Crypto++ may have less words than a block, but gets as many, aligned.
  using Words = std::array<Word, block_bytes / sizeof(Word)>;

  static void swap_bytes(std::span<Word> words) {
    CryptoPP::ConditionalByteReverse(T::ByteOrderClass::ToEnum(), words.data(), words.data(),
                                     words.size_bytes());
  }

  struct Start {
    alignas(64) Words inner{}, outer{};

    explicit Start(const Pads<T>& pads) {
      add(pads.inner, inner);
      add(pads.outer, outer);
    }

   private:
    static void add(const std::array<std::byte, block_bytes>& pad, Words& state) {
      alignas(64) Words words;
      std::memcpy(words.data(), pad.data(), pad.size());
      swap_bytes(words);
      T::InitState(state.data());
      T::Transform(state.data(), words.data());
    }
  };

  struct Block {
    alignas(64) Words chain{};  // U_i, padded to a block
    alignas(64) Words state{};
    std::array<Word, digest_words> sum{};  // U_1 ^ … ^ U_i

    void begin(const DigestOf<T>& first) {
      std::memcpy(chain.data(), first.data(), first.size());
      swap_bytes(std::span(chain).first(digest_words));
      std::copy_n(chain.begin(), digest_words, sum.begin());
      // A one, zeros, and how many bits were hashed: those of a pad and of a digest.
      constexpr Word bits = (block_bytes + digest_bytes) * 8;
      chain[digest_words] = big_endian ? Word{1} << (sizeof(Word) * 8 - 1) : Word{0x80};
      chain[chain.size() - (big_endian ? 1 : 2)] = bits;
    }

    void go_on(const Start& start, std::uint32_t iterations) {
      for (; iterations > 0; --iterations) {
        for (const Words* pad : {&start.inner, &start.outer}) {
          state = *pad;
          T::Transform(state.data(), chain.data());
          std::copy_n(state.begin(), digest_words, chain.begin());
        }
        for (std::size_t n = 0; n < digest_words; ++n) sum[n] ^= chain[n];
      }
    }

    void take(DigestOf<T>& digest) const {
      auto words = sum;
      swap_bytes(words);
      std::memcpy(digest.data(), words.data(), digest.size());
    }
  };

  static void go_on(const Start& start, std::span<Block> blocks, std::uint32_t iterations) {
    if constexpr (std::is_same_v<T, CryptoPP::SHA256>) {
      static const bool have_shani = have_sha256_shani();
      if (have_shani) return go_on_with_shani(start, blocks, iterations);
    }
    for (Block& block : blocks) block.go_on(start, iterations);
  }

  static void go_on_with_shani(const Start& start, std::span<Block> blocks,
                               std::uint32_t iterations) {
    while (!blocks.empty()) {
      std::array<Sha256Chain, most_sha256_chains> chains{};
      const std::size_t count = std::min(blocks.size(), chains.size());
      for (std::size_t n = 0; n < count; ++n) {
        chains[n] = {blocks[n].chain.data(), blocks[n].sum.data()};
      }
      pbkdf2_sha256_shani(start.inner.data(), start.outer.data(), chains.data(), count, iterations);
      blocks = blocks.subspan(count);
    }
  }
};

template <typename T>
class Derivation final : public Pbkdf2Derivation {
 public:
  explicit Derivation(const Pbkdf2Input& input)
      : left_(pbkdf2_blocks(input), input.iterations - 1),
        memory_(sizeof(Fixed) + left_.size() * sizeof(Block)),
        fixed_(new(memory_.data()) Fixed(input.secret)),
        blocks_(reinterpret_cast<Block*>(memory_.data() + sizeof(Fixed)), left_.size()) {
    std::uninitialized_default_construct(blocks_.begin(), blocks_.end());
    std::uint32_t number = 1;
    for (Block& block : blocks_) {
      hash_salt(fixed_->pads, input.salt, number++, fixed_->digest);
      block.begin(fixed_->digest);
    }
  }
  ~Derivation() override {
    std::destroy(blocks_.begin(), blocks_.end());
    std::destroy_at(fixed_);
  }

  bool advance(std::size_t first, std::size_t count, std::uint32_t iterations) override {
    const std::size_t end = first + count;
    for (std::size_t n = first; n < end;) {
      // With those next to it that have as many before them.
      const std::uint32_t now = std::min(iterations, left_[n]);
      const std::size_t begin = n;
      for (; n < end && std::min(iterations, left_[n]) == now; ++n) left_[n] -= now;
      Iterations<T>::go_on(fixed_->start, blocks_.subspan(begin, n - begin), now);
    }
    return std::all_of(left_.begin() + static_cast<std::ptrdiff_t>(first),
                       left_.begin() + static_cast<std::ptrdiff_t>(end),
                       [](std::uint32_t left) { return left == 0; });
  }

  void take(std::span<std::byte> key) const override {
    for (const Block& block : blocks_) {
      block.take(fixed_->digest);
      const std::size_t part = std::min(key.size(), fixed_->digest.size());
      std::copy_n(fixed_->digest.begin(), part, key.begin());
      key = key.subspan(part);
    }
  }

 private:
  struct alignas(64) Fixed {
    Pads<T> pads;
    typename Iterations<T>::Start start;
    DigestOf<T> digest{};  // scratch

    explicit Fixed(std::span<const std::byte> secret) : pads(secret), start(pads) {}
  };
  using Block = typename Iterations<T>::Block;

  std::vector<std::uint32_t> left_;  // iterations of each block
  SecureBuffer memory_;
  Fixed* fixed_;
  std::span<Block> blocks_;
};

}  // namespace

std::size_t pbkdf2_blocks(const Pbkdf2Input& input) noexcept {
  const std::size_t block = digest_size(input.hash);
  return (input.key_bytes + block - 1) / block;
}

std::unique_ptr<Pbkdf2Derivation> begin_pbkdf2(const Pbkdf2Input& input) {
  return with_hash_type(
      input.hash, [&]<typename T>(std::type_identity<T>) -> std::unique_ptr<Pbkdf2Derivation> {
        return std::make_unique<Derivation<T>>(input);
      });
}

void pbkdf2(Hash hash, std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::uint32_t iterations, std::span<std::byte> key) {
  const Pbkdf2Input input{hash, secret, salt, iterations, key.size()};
  const auto derivation = begin_pbkdf2(input);
  derivation->advance(0, pbkdf2_blocks(input), iterations);
  derivation->take(key);
}

}  // namespace luksdetached
