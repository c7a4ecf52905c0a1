// The iterations of PBKDF2 with HMAC-SHA-256 with the SHA extensions of x86-64.
//
// From the first one to the last a chain stays in registers, and a digest goes on as the message of
// the next hash without becoming bytes.
#include "crypto/pbkdf2_sha256.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include <iterator>

#include "crypto/sha256_shani.h"

namespace luksdetached {

namespace {

using namespace shani;

// Where a hash begins: after its first block, which is one of HMAC's pads. What its rounds make of
// the second block is a digest when this is added, which the next hash does, whose message it is.
struct Start {
  State state;
  State words;  // the same with the first ones lowest,
  State first;  // and as the first rounds of the next hash need them
};

LUKSDETACHED_SHANI_INLINE Start to_start(const std::uint32_t* words) {
  const State lowest_first = interleave(load(words));
  return {turn(lowest_first), lowest_first, add(lowest_first, first_constants())};
}

// Replaces what the rounds of a hash from `before` have made by what those of a hash from `start`
// make, whose second block is the digest of the former, padded.
template <int count>
LUKSDETACHED_SHANI_INLINE void hash(const Start& start, const Start& before, State (&made)[count]) {
  State first[count];
  __m128i message[count][4];
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    const State lowest_first = turn(made[n]);
    const Words digest = in_sequence(add(lowest_first, before.words));
    first[n] = add(lowest_first, before.first);
    message[n][0] = digest.low;
    message[n][1] = digest.high;
    message[n][2] = _mm_setr_epi32(static_cast<int>(0x80000000), 0, 0, 0);
    message[n][3] = _mm_setr_epi32(0, 0, 0, (64 + 32) * 8);  // bits
    made[n] = start.state;
  }
  do_rounds(made, first, message);
}

template <int count>
LUKSDETACHED_SHANI void iterate(const std::uint32_t* inner, const std::uint32_t* outer,
                                const Sha256Chain* chains, std::uint32_t iterations) noexcept {
  const Start inner_start = to_start(inner);
  const Start outer_start = to_start(outer);
  State made[count];
  State sum[count];
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    const State last = turn(interleave(load(chains[n].last)));
    made[n] = {_mm_sub_epi32(last.abef, outer_start.state.abef),
               _mm_sub_epi32(last.cdgh, outer_start.state.cdgh)};
    sum[n] = turn(interleave(load(chains[n].sum)));
  }
  for (; iterations > 0; --iterations) {
    hash(inner_start, outer_start, made);
    hash(outer_start, inner_start, made);
#pragma GCC unroll 4
    for (int n = 0; n < count; ++n) {
      const State last = add(made[n], outer_start.state);
      sum[n].abef = _mm_xor_si128(sum[n].abef, last.abef);
      sum[n].cdgh = _mm_xor_si128(sum[n].cdgh, last.cdgh);
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < count; ++n) {
    store(chains[n].last, in_sequence(turn(add(made[n], outer_start.state))));
    store(chains[n].sum, in_sequence(turn(sum[n])));
  }
}

}  // namespace

bool have_sha256_shani() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __builtin_cpu_supports("sse4.1") != 0 &&
         __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
}

void pbkdf2_sha256_shani(const std::uint32_t* inner, const std::uint32_t* outer,
                         const Sha256Chain* chains, std::size_t count,
                         std::uint32_t iterations) noexcept {
  constexpr decltype(&iterate<1>) by_count[] = {iterate<1>, iterate<2>, iterate<3>, iterate<4>};
  static_assert(std::size(by_count) == most_sha256_chains);
  by_count[count - 1](inner, outer, chains, iterations);
}

}  // namespace luksdetached

#else

#include <cstdlib>

namespace luksdetached {

bool have_sha256_shani() noexcept {
  return false;
}

void pbkdf2_sha256_shani(const std::uint32_t*, const std::uint32_t*, const Sha256Chain*,
                         std::size_t, std::uint32_t) noexcept {
  std::abort();  // have_sha256_shani() is false here
}

}  // namespace luksdetached

#endif
