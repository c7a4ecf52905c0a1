// Adiantum for sectors: the tweak is the IV that dm-crypt makes, 32 bytes long.
#include <array>
#include <memory>

#include "crypto/adiantum.h"
#include "crypto/cryptopp_aes.h"
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

class AdiantumSectorCipher final : public SectorCipher {
 public:
  AdiantumSectorCipher(unsigned rounds, IvKind iv, std::span<const std::byte> key,
                       std::size_t sector_size)
      : iv_(iv), sector_size_(sector_size), adiantum_(rounds, key) {}

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    run(&Adiantum::encrypt, from, to, first_sector);
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    run(&Adiantum::decrypt, from, to, first_sector);
  }
  std::string_view kernel() const noexcept override { return "portable"; }
  bool constant_time() const override { return cryptopp_aes_is_constant_time(); }
  void lock_again() override { adiantum_.lock_again(); }

 private:
  template <typename Direction>
  void run(Direction direction, std::span<const std::byte> from, std::span<std::byte> to,
           std::uint64_t first_sector) const {
    const StackWiper<16> stack_wiper;  // keys of NH and AES were there
    const std::uint64_t units = sector_size_ / 512;
    std::array<std::byte, Adiantum::tweak_bytes> tweak;
    for (std::size_t at = 0; at < from.size(); at += sector_size_) {
      write_iv(iv_, (first_sector + at / sector_size_) * units, tweak);
      (adiantum_.*direction)(tweak, from.subspan(at, sector_size_), to.subspan(at, sector_size_));
    }
  }

  IvKind iv_;
  std::size_t sector_size_;
  Adiantum adiantum_;
};

}  // namespace

std::unique_ptr<SectorCipher> make_adiantum(unsigned rounds, IvKind iv,
                                            std::span<const std::byte> key,
                                            std::size_t sector_size) {
  return std::make_unique<AdiantumSectorCipher>(rounds, iv, key, sector_size);
}

}  // namespace luksdetached
