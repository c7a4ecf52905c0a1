// What every kernel of AES-XTS for x86-64 is wrapped in: round keys, the sectors' IVs, wiping.
#pragma once

#if defined(__x86_64__)

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "crypto/aes_key_schedule.h"
#include "crypto/sector_cipher.h"
#include "crypto/sector_iv.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

/// The IVs of a run of sectors: each is a number of units of 512 bytes (plain or plain64).
class SectorIvs {
 public:
  SectorIvs(IvKind kind, std::size_t sector_size) noexcept
      : mask_(kind == IvKind::plain ? 0xffffffff : ~std::uint64_t{0}), step_(sector_size / 512) {}

  /// The same, beginning with this sector.
  SectorIvs from(std::uint64_t sector) const noexcept {
    SectorIvs ivs = *this;
    ivs.unit_ = sector * step_;
    return ivs;
  }

  /// That of the sector so many sectors further on.
  long long at(std::size_t sector) const noexcept {
    return static_cast<long long>((unit_ + sector * step_) & mask_);
  }

  void skip(std::size_t sectors) noexcept { unit_ += sectors * step_; }

 private:
  std::uint64_t mask_;  // "plain" counts in 32 bits
  std::uint64_t step_;
  std::uint64_t unit_ = 0;
};

/// A run of whole sectors to transform, `bytes` in all.
struct SectorRun {
  const std::byte* from;
  std::byte* to;
  std::size_t bytes;
  std::size_t sector_size;
  SectorIvs ivs;
};

/// AES-XTS by a kernel, which has a `name` and a function that is not inlined,
/// `transform<rounds, encrypting>(const AesXtsSchedules&, SectorRun)`: the part of the stack below
/// its caller is wiped, at most 2 KiB.
template <typename Kernel, int rounds>
class AesXtsCipher final : public SectorCipher {
 public:
  AesXtsCipher(IvKind iv, std::span<const std::byte> key, std::size_t sector_size)
      : sector_size_(sector_size), ivs_(iv, sector_size) {
    expand_aes_xts(key, *keys_);
  }

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    const StackWiper<2> stack_wiper;
    Kernel::template transform<rounds, true>(*keys_, run(from, to, first_sector));
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    const StackWiper<2> stack_wiper;
    Kernel::template transform<rounds, false>(*keys_, run(from, to, first_sector));
  }
  std::string_view kernel() const noexcept override { return Kernel::name; }
  bool constant_time() const override { return true; }
  void lock_again() override { keys_.lock_again(); }

 private:
  SectorRun run(std::span<const std::byte> from, std::span<std::byte> to,
                std::uint64_t first_sector) const noexcept {
    return {from.data(), to.data(), from.size(), sector_size_, ivs_.from(first_sector)};
  }

  std::size_t sector_size_;
  SectorIvs ivs_;
  SecureObject<AesXtsSchedules> keys_;
};

/// `key` has 32 or 64 bytes: AES-128 or AES-256.
template <typename Kernel>
std::unique_ptr<SectorCipher> make_aes_xts(IvKind iv, std::span<const std::byte> key,
                                           std::size_t sector_size) {
  if (key.size() == 32) return std::make_unique<AesXtsCipher<Kernel, 10>>(iv, key, sector_size);
  return std::make_unique<AesXtsCipher<Kernel, 14>>(iv, key, sector_size);
}

}  // namespace luksdetached

#endif
