// Which implementation of AES-XTS this process uses, and that it computes what it should.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "crypto/sector_cipher.h"
#include "crypto/sector_iv.h"

namespace luksdetached {

/// An implementation of our own, for one instruction set. All are constant time and keep their
/// round keys in locked memory.
struct AesXtsKernel {
  /// `iv` is plain or plain64, `key` has 32 or 64 bytes. Only where have().
  using Make = std::unique_ptr<SectorCipher>(IvKind iv, std::span<const std::byte> key,
                                             std::size_t sector_size);
  std::string_view name;
  bool (*have)() noexcept;  ///< has this CPU what it needs?
  Make* make;
};

/// All of them, the fastest first. A CPU that has one of them has those after it, too.
std::span<const AesXtsKernel> aes_xts_kernels() noexcept;

/// The fastest that this CPU has, or the one that `wanted` names: nullptr where that is Crypto++,
/// either because there is no other or by its name, "cryptopp". An empty `wanted` names none.
/// Throws Error(usage) for the name of one that this CPU has not or nobody has.
const AesXtsKernel* choose_aes_xts_kernel(std::string_view wanted);

/// Encrypts and decrypts some known sectors with it. Throws Error(unsupported) when what comes out
/// is wrong: a defect of the CPU, the compiler or this program, with which data would be lost.
void require_known_answer(const AesXtsKernel& kernel);

/// The one that this process uses, by the environment variable LUKSDETACHED_AES_KERNEL (for tests)
/// or else the fastest; nullptr is Crypto++. It has given its known answer. Throws as the two
/// above.
const AesXtsKernel* aes_xts_kernel();

}  // namespace luksdetached
