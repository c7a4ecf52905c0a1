// A cipher that shows mistakes, and is none.
#pragma once

#include <stdexcept>

#include "crypto/sector_cipher.h"

namespace luksdetached::testing {

/// Every byte depends on the number of its sector and on the byte before it, so that a sector at a
/// wrong place and a sector of two halves both come out as something else.
class ChainCipher final : public SectorCipher {
 public:
  explicit ChainCipher(std::size_t sector_size, int* locked_again = nullptr)
      : sector_size_(sector_size), locked_again_(locked_again) {}

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    for_each_sector(from.size(), first_sector, [&](std::size_t at, std::byte pad) {
      std::byte chain{};
      for (std::size_t n = at; n < at + sector_size_; ++n) to[n] = chain = from[n] ^ chain ^ pad;
    });
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    for_each_sector(from.size(), first_sector, [&](std::size_t at, std::byte pad) {
      std::byte chain{};
      for (std::size_t n = at; n < at + sector_size_; ++n) {
        const std::byte in = from[n];
        to[n] = in ^ chain ^ pad;
        chain = in;
      }
    });
  }
  std::string_view kernel() const noexcept override { return "chain"; }
  bool constant_time() const override { return true; }
  void lock_again() override { ++*locked_again_; }

 private:
  template <typename Use>
  void for_each_sector(std::size_t bytes, std::uint64_t sector, Use use) const {
    if (bytes % sector_size_ != 0) throw std::logic_error("not whole sectors");
    for (std::size_t at = 0; at < bytes; at += sector_size_, ++sector) {
      use(at, static_cast<std::byte>((sector + 1) * 0x9e3779b97f4a7c15U >> 56));
    }
  }

  std::size_t sector_size_;
  int* locked_again_;
};

}  // namespace luksdetached::testing
