#include "crypto/aes_cbc_kernel.h"

#include <gtest/gtest.h>

#include <utility>

#include "crypto/aes_xts_kernels.h"
#include "sector_cipher_checks.h"

namespace luksdetached::testing {
namespace {

std::unique_ptr<SectorCipher> make_portable(const CipherSpec& spec, std::span<const std::byte> key,
                                            std::size_t sector_size) {
  return make_cryptopp(spec.text(), key, sector_size);
}

// One that is wrong in a single byte, far into a run; its own inverse or not.
template <bool when_decrypting>
class Defective final : public SectorCipher {
 public:
  explicit Defective(std::unique_ptr<SectorCipher> right) : right_(std::move(right)) {}
  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    right_->encrypt(from, to, first_sector);
    if (!when_decrypting) to[35000] ^= std::byte{1};
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    Bytes repaired(from.begin(), from.end());
    if (!when_decrypting) repaired[35000] ^= std::byte{1};
    right_->decrypt(repaired, to, first_sector);
    if (when_decrypting) to[35000] ^= std::byte{1};
  }
  std::string_view kernel() const noexcept override { return "defective"; }
  bool constant_time() const override { return true; }

 private:
  std::unique_ptr<SectorCipher> right_;
};

// Only with this IV and this key: one case of all.
template <bool when_decrypting>
std::unique_ptr<SectorCipher> make_defective(const CipherSpec& spec, std::span<const std::byte> key,
                                             std::size_t sector_size) {
  auto right = make_portable(spec, key, sector_size);
  if (spec.iv != "essiv" || key.size() != 24 || sector_size != 4096) return right;
  return std::make_unique<Defective<when_decrypting>>(std::move(right));
}

TEST(AesCbcKernelTest, TheKnownAnswerIsAlsoThatOfCryptopp) {
  EXPECT_NO_THROW(require_known_cbc_answer("cryptopp", make_portable));
}

TEST(AesCbcKernelTest, AWrongOneIsRefusedByName) {
  expect_error(ErrorKind::unsupported, "'other' gives a wrong answer",
               [] { require_known_cbc_answer("other", make_defective<false>); });
  expect_error(ErrorKind::unsupported, "'other' gives a wrong answer",
               [] { require_known_cbc_answer("other", make_defective<true>); });
}

TEST(AesCbcKernelTest, IsUsedWhereAesXtsHasOne) {
  EXPECT_EQ(uses_aes_cbc_aesni(), aes_xts_kernel() != nullptr);
}

}  // namespace
}  // namespace luksdetached::testing
