// What the memory of Argon2 is made of, and the function that fills it (RFC 9106, section 3.5).
// Included by this folder and its tests.
#pragma once

#include <cstdint>
#include <string_view>

namespace luksdetached {

struct alignas(64) Argon2Block {
  std::uint64_t words[128];
};

/// How a block is put where there was one before: the first pass overwrites, the others add.
enum class Argon2Put { over, added };

/// The compression function G: makes a block of `previous` and `reference`. `to` may be the same
/// block as `reference`.
using Argon2Fill = void(const Argon2Block& previous, const Argon2Block& reference, Argon2Block& to,
                        Argon2Put put) noexcept;

struct Argon2Kernel {
  std::string_view name;
  Argon2Fill* fill;
  bool (*available)() noexcept;  ///< does it run on this CPU?
};

/// All of them, the fastest first. The last one, "portable", runs everywhere. All take the same
/// time and touch the same memory whatever the blocks hold.
extern const Argon2Kernel argon2_kernels[3];

/// For the list above, a file for each.
Argon2Fill argon2_fill_avx512;
Argon2Fill argon2_fill_avx2;
bool have_argon2_avx512() noexcept;
bool have_argon2_avx2() noexcept;

}  // namespace luksdetached
