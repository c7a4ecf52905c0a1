#include "crypto/aes_xts_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/testing.h"
#include "crypto/sector_cipher_kernels.h"

namespace luksdetached::testing {
namespace {

std::unique_ptr<SectorCipher> make_cryptopp(IvKind iv, std::span<const std::byte> key,
                                            std::size_t sector_size) {
  const CipherSpec spec{"aes", "xts", iv == IvKind::plain ? "plain" : "plain64", ""};
  const auto ciphers = cryptopp_block_ciphers();
  return std::ranges::find(ciphers, "aes", &BlockCipher::name)->make(spec, key, sector_size);
}

bool always() noexcept {
  return true;
}

// One that is wrong in a single byte of one direction, and only in a sector far into a run.
template <bool when_encrypting>
class Defective final : public SectorCipher {
 public:
  explicit Defective(std::unique_ptr<SectorCipher> right) : right_(std::move(right)) {}
  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    right_->encrypt(from, to, first_sector);
    if (when_encrypting) spoil(to);
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    right_->decrypt(from, to, first_sector);
    // Its own inverse, so that only the known answer shows that it is wrong.
    spoil(to);
  }
  std::string_view kernel() const noexcept override { return "defective"; }
  bool constant_time() const override { return true; }

 private:
  static void spoil(std::span<std::byte> to) {
    if (to.size() > 35000) to[35000] ^= std::byte{1};
  }
  std::unique_ptr<SectorCipher> right_;
};

template <bool when_encrypting>
std::unique_ptr<SectorCipher> make_defective(IvKind iv, std::span<const std::byte> key,
                                             std::size_t sector_size) {
  return std::make_unique<Defective<when_encrypting>>(make_cryptopp(iv, key, sector_size));
}

TEST(AesXtsKernelsTest, TheKnownAnswerIsAlsoThatOfCryptopp) {
  EXPECT_NO_THROW(require_known_answer({"cryptopp", always, make_cryptopp}));
}

TEST(AesXtsKernelsTest, EveryKernelOfThisCpuGivesTheKnownAnswer) {
  for (const AesXtsKernel& kernel : aes_xts_kernels()) {
    if (!kernel.have()) continue;
    EXPECT_NO_THROW(require_known_answer(kernel)) << kernel.name;
  }
}

TEST(AesXtsKernelsTest, AWrongKernelIsRefusedByName) {
  expect_error(ErrorKind::unsupported, "'other' gives a wrong answer", [] {
    require_known_answer({"other", always, make_defective<true>});
  });
  expect_error(ErrorKind::unsupported, "'other' gives a wrong answer", [] {
    require_known_answer({"other", always, make_defective<false>});
  });
}

TEST(AesXtsKernelsTest, TheFastestComesFirst) {
  std::vector<std::string_view> names;
  for (const AesXtsKernel& kernel : aes_xts_kernels()) names.push_back(kernel.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"vaes512", "vaes", "aes-ni"}));
}

TEST(AesXtsKernelsTest, TheFastestOfThisCpuIsChosen) {
  const AesXtsKernel* const chosen = choose_aes_xts_kernel("");
  const auto kernels = aes_xts_kernels();
  const auto fastest = std::ranges::find_if(kernels, [](const auto& k) { return k.have(); });
  EXPECT_EQ(chosen, fastest == kernels.end() ? nullptr : &*fastest);
}

TEST(AesXtsKernelsTest, ACpuThatHasOneHasThoseAfterIt) {
  const auto kernels = aes_xts_kernels();
  EXPECT_TRUE(std::ranges::is_sorted(kernels, {}, [](const auto& k) { return k.have(); }));
}

TEST(AesXtsKernelsTest, AnyOfThisCpuCanBeNamed) {
  for (const AesXtsKernel& kernel : aes_xts_kernels()) {
    if (!kernel.have()) continue;
    EXPECT_EQ(choose_aes_xts_kernel(kernel.name), &kernel);
  }
  EXPECT_EQ(choose_aes_xts_kernel("cryptopp"), nullptr);
}

TEST(AesXtsKernelsTest, OneThatThisCpuHasNotIsRefusedWithTheNamesOfThoseItHas) {
  expect_error(ErrorKind::usage, "LUKSDETACHED_AES_KERNEL is 'neon'; this CPU has: ", [] {
    choose_aes_xts_kernel("neon");
  });
  for (const AesXtsKernel& kernel : aes_xts_kernels()) {
    if (kernel.have()) continue;
    expect_error(ErrorKind::usage, "this CPU has: ", [&] { choose_aes_xts_kernel(kernel.name); });
  }
}

}  // namespace
}  // namespace luksdetached::testing
