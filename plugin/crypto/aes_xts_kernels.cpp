#include "crypto/aes_xts_kernels.h"

#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "crypto/known_sectors.h"
#include "crypto/sector_cipher_kernels.h"

namespace luksdetached {

namespace {

constexpr AesXtsKernel kernels[] = {
    {"vaes512", have_vaes512, make_aes_xts_vaes512},
    {"vaes", have_vaes, make_aes_xts_vaes},
    {"aes-ni", have_aesni, make_aes_xts_aesni},
};

constexpr std::string_view variable = "LUKSDETACHED_AES_KERNEL";

std::string names_of_this_cpu() {
  std::string names;
  for (const AesXtsKernel& kernel : kernels) {
    if (kernel.have()) names += std::string(kernel.name) + ", ";
  }
  return names + "cryptopp";
}

// As OpenSSL computed it; Crypto++ agrees (aes_xts_kernels_test).
constexpr std::array<unsigned char, 32> known_answer{
    0xbc, 0x65, 0xf9, 0x6e, 0x95, 0x6d, 0xf1, 0xd7, 0x6e, 0x21, 0x6c, 0xf1, 0x77, 0x5e, 0xbc, 0xf6,
    0xcd, 0x8c, 0xaa, 0x25, 0x0c, 0xe0, 0x23, 0xb6, 0x80, 0xb6, 0x85, 0x72, 0x8e, 0x38, 0x12, 0xdd};

bool gives_known_answer(const AesXtsKernel& kernel) {
  KnownSectors sectors;
  for (const std::size_t key_bytes : {32U, 64U}) {
    for (const std::size_t sector_size : {512U, 4096U}) {
      for (const IvKind iv : {IvKind::plain, IvKind::plain64}) {
        sectors.pass(*kernel.make(iv, KnownSectors::key(key_bytes), sector_size), sector_size);
      }
    }
  }
  return sectors.gave(known_answer);
}

}  // namespace

std::span<const AesXtsKernel> aes_xts_kernels() noexcept {
  return kernels;
}

const AesXtsKernel* choose_aes_xts_kernel(std::string_view wanted) {
  if (wanted == "cryptopp") return nullptr;
  for (const AesXtsKernel& kernel : kernels) {
    if (kernel.have() && (wanted.empty() || wanted == kernel.name)) return &kernel;
  }
  if (wanted.empty()) return nullptr;
  throw Error(ErrorKind::usage, std::string(variable) + " is '" + std::string(wanted) +
                                    "'; this CPU has: " + names_of_this_cpu());
}

void require_known_answer(const AesXtsKernel& kernel) {
  if (gives_known_answer(kernel)) return;
  throw Error(ErrorKind::unsupported,
              "AES-XTS by '" + std::string(kernel.name) +
                  "' gives a wrong answer on this CPU and would destroy data; " +
                  std::string(variable) + "=cryptopp does without it");
}

const AesXtsKernel* aes_xts_kernel() {
  static const AesXtsKernel* const chosen = [] {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
    const char* const wanted = std::getenv(variable.data());
    const AesXtsKernel* kernel = choose_aes_xts_kernel(wanted != nullptr ? wanted : "");
    if (kernel != nullptr) require_known_answer(*kernel);
    return kernel;
  }();
  return chosen;
}

}  // namespace luksdetached
