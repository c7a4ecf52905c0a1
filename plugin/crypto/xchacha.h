// XChaCha (draft-irtf-cfrg-xchacha-03) with any number of rounds, the stream cipher in Adiantum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luksdetached {

/// The keystream for one key and nonce, from its beginning. Crypto++ has XChaCha too, but derives
/// the key for 12 rounds with 20, which is not how Adiantum has it.
class XChaCha {
 public:
  /// `rounds` is even, `key` has 32 bytes, `nonce` 24.
  XChaCha(unsigned rounds, std::span<const std::byte> key,
          std::span<const std::byte> nonce) noexcept;
  XChaCha(const XChaCha&) = delete;
  XChaCha& operator=(const XChaCha&) = delete;
  /// Wipes key and keystream.
  ~XChaCha();

  /// `to` becomes `from` XOR the keystream: of equal size, the same memory or not overlapping.
  /// To be called once.
  void transform(std::span<const std::byte> from, std::span<std::byte> to) noexcept;

 private:
  using State = std::array<std::uint32_t, 16>;

  void permute(State& state) const noexcept;

  unsigned rounds_;
  State state_{};
  State work_{};
};

}  // namespace luksdetached
