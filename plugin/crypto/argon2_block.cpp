// The compression function of Argon2 for every CPU.
#include "crypto/argon2_block.h"

#include <bit>
#include <cstddef>

namespace luksdetached {

namespace {

std::uint64_t multiply_add(std::uint64_t x, std::uint64_t y) {
  return x + y + 2 * std::uint64_t{static_cast<std::uint32_t>(x)} * static_cast<std::uint32_t>(y);
}

// G of BLAKE2b, with multiplications.
void mix(std::uint64_t& a, std::uint64_t& b, std::uint64_t& c, std::uint64_t& d) {
  a = multiply_add(a, b);
  d = std::rotr(d ^ a, 32);
  c = multiply_add(c, d);
  b = std::rotr(b ^ c, 24);
  a = multiply_add(a, b);
  d = std::rotr(d ^ a, 16);
  c = multiply_add(c, d);
  b = std::rotr(b ^ c, 63);
}

// The permutation P on eight pairs of words, which are `distance` words apart.
void permute(std::uint64_t* first, std::size_t distance) {
  std::uint64_t v[16];
  for (std::size_t n = 0; n < 16; ++n) v[n] = first[n / 2 * distance + n % 2];
  for (std::size_t n = 0; n < 4; ++n) mix(v[n], v[4 + n], v[8 + n], v[12 + n]);
  for (std::size_t n = 0; n < 4; ++n) {
    mix(v[n], v[4 + (n + 1) % 4], v[8 + (n + 2) % 4], v[12 + (n + 3) % 4]);
  }
  for (std::size_t n = 0; n < 16; ++n) first[n / 2 * distance + n % 2] = v[n];
}

void fill_portable(const Argon2Block& previous, const Argon2Block& reference, Argon2Block& to,
                   Argon2Put put) noexcept {
  Argon2Block mixed;
  for (std::size_t n = 0; n < 128; ++n) mixed.words[n] = previous.words[n] ^ reference.words[n];
  for (std::size_t row = 0; row < 8; ++row) permute(mixed.words + 16 * row, 2);
  for (std::size_t column = 0; column < 8; ++column) permute(mixed.words + 2 * column, 16);
  for (std::size_t n = 0; n < 128; ++n) {
    const std::uint64_t word = mixed.words[n] ^ previous.words[n] ^ reference.words[n];
    to.words[n] = put == Argon2Put::added ? to.words[n] ^ word : word;
  }
}

bool everywhere() noexcept {
  return true;
}

}  // namespace

const Argon2Kernel argon2_kernels[3] = {
    {"avx512", argon2_fill_avx512, have_argon2_avx512},
    {"avx2", argon2_fill_avx2, have_argon2_avx2},
    {"portable", fill_portable, everywhere},
};

}  // namespace luksdetached
