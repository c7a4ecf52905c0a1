// The iterations of PBKDF2 with HMAC-SHA-256 where the CPU has instructions for them. Included by
// this folder and its tests.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luksdetached {

/// One block of a key: U_i, and U_1 ^ … ^ U_i.
struct Sha256Chain {
  std::uint32_t* last;
  std::uint32_t* sum;
};

/// Most blocks that are worked on together.
inline constexpr std::size_t most_sha256_chains = 4;

/// Does this CPU have what pbkdf2_sha256_shani and diffuse_sha256_shani need?
bool have_sha256_shani() noexcept;

/// Goes on with `count` chains, 1 to most_sha256_chains, by so many `iterations` each: two take not
/// much longer than one. `inner` and `outer` are the states after HMAC's pads. Only where
/// have_sha256_shani().
void pbkdf2_sha256_shani(const std::uint32_t* inner, const std::uint32_t* outer,
                         const Sha256Chain* chains, std::size_t count,
                         std::uint32_t iterations) noexcept;

}  // namespace luksdetached
