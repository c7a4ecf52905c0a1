// The diffusion of an anti-forensic splitter with SHA-256 and the SHA extensions of x86-64: a hash
// is one block, so that most of what a hash of any length needs falls away.
#include "crypto/diffuse.h"

#if defined(__x86_64__)

#include "crypto/sha256_shani.h"

namespace luksdetached {

namespace {

using namespace shani;

// FIPS 180-4, section 5.3.3.
constexpr std::uint32_t initial_words[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Words from their bytes, which have the highest first, and back.
LUKSDETACHED_SHANI_INLINE __m128i swap_bytes(__m128i words) {
  return _mm_shuffle_epi8(words,
                          _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

LUKSDETACHED_SHANI void diffuse_pieces(std::byte* pieces, std::size_t count) noexcept {
  const State initial = turn(interleave(load(initial_words)));
  for (std::size_t number = 0; number < count; ++number) {
    auto* const piece = reinterpret_cast<__m128i*>(pieces) + 2 * number;
    const __m128i low = swap_bytes(_mm_loadu_si128(piece));
    const __m128i high = swap_bytes(_mm_loadu_si128(piece + 1));
    const __m128i first = _mm_cvtsi32_si128(static_cast<int>(number));
    const __m128i padding = _mm_cvtsi32_si128(static_cast<int>(0x80000000));
    // The number, the piece, and what fills the block: a bit, and how many come before it.
    const Words eight = {_mm_or_si128(first, _mm_bslli_si128(low, 4)),
                         _mm_alignr_epi8(high, low, 12)};
    __m128i message[1][4] = {{eight.low, eight.high,
                              _mm_or_si128(_mm_bsrli_si128(high, 12), _mm_bslli_si128(padding, 4)),
                              _mm_setr_epi32(0, 0, 0, (4 + 32) * 8)}};
    State state[1] = {initial};
    do_rounds(state, {add(interleave(eight), first_constants())}, message);
    const Words digest = in_sequence(turn(add(state[0], initial)));
    _mm_storeu_si128(piece, swap_bytes(digest.low));
    _mm_storeu_si128(piece + 1, swap_bytes(digest.high));
  }
}

}  // namespace

void diffuse_sha256_shani(std::byte* pieces, std::size_t count) noexcept {
  diffuse_pieces(pieces, count);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

void diffuse_sha256_shani(std::byte*, std::size_t) noexcept {
  std::abort();  // have_sha256_shani() is false here
}

}  // namespace luksdetached

#endif
