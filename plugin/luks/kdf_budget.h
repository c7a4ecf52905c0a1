// What key derivations may cost: headers come from others, and may ask for a machine's memory or
// for hours of its time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luks/header.h"

namespace luksdetached::luks {

/// Most that one derivation may cost.
struct KdfLimits {
  std::uint64_t memory_max = std::uint64_t{4} << 30;  ///< bytes, for Argon2: LUKS2's own maximum
  std::uint32_t iterations_max = 100'000'000;         ///< of PBKDF2: half a minute or so
};

/// Counts what is spent on one volume: over all its headers, secrets and key slots.
class KdfBudget {
 public:
  /// One derivation may cost what `limits` say, with Argon2 also 64 GiB of memory times passes
  /// (where several lanes count as memory, too) and 64 lanes; all of them together four times as
  /// much.
  explicit KdfBudget(const KdfLimits& limits = {});

  /// Says that a derivation of `key_bytes` is about to start. Throws Error(key_derivation) with
  /// what it asks for and what the limit is, when it is over it or there is not enough left.
  void spend(const Pbkdf2Cost& cost, std::size_t key_bytes);
  void spend(const Argon2Cost& cost);

 private:
  KdfLimits limits_;
  std::uint64_t iterations_left_;   // of PBKDF2, for each block of the derived keys
  std::uint64_t argon2_work_left_;  // bytes times passes
};

}  // namespace luksdetached::luks
