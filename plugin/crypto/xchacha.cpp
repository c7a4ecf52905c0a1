#include "crypto/xchacha.h"

#include <algorithm>
#include <bit>

#include "crypto/little_endian.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

constexpr std::size_t block = 64;

// RFC 8439, section 2.1.
void quarter_round(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c,
                   std::uint32_t& d) noexcept {
  a += b;
  d = std::rotl(d ^ a, 16);
  c += d;
  b = std::rotl(b ^ c, 12);
  a += b;
  d = std::rotl(d ^ a, 8);
  c += d;
  b = std::rotl(b ^ c, 7);
}

}  // namespace

XChaCha::XChaCha(unsigned rounds, std::span<const std::byte> key,
                 std::span<const std::byte> nonce) noexcept
    : rounds_(rounds) {
  constexpr std::array<std::uint32_t, 4> constants{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  // The first 16 bytes of the nonce make another key (section 2.2 of the draft, HChaCha).
  std::copy(constants.begin(), constants.end(), work_.begin());
  for (std::size_t n = 0; n < 8; ++n) work_[4 + n] = load_little_endian<std::uint32_t>(&key[4 * n]);
  for (std::size_t n = 0; n < 4; ++n) {
    work_[12 + n] = load_little_endian<std::uint32_t>(&nonce[4 * n]);
  }
  permute(work_);
  // ChaCha with that key, a counter of 64 bits from 0 on, and the rest of the nonce.
  std::copy(constants.begin(), constants.end(), state_.begin());
  std::copy_n(work_.begin(), 4, state_.begin() + 4);
  std::copy_n(work_.begin() + 12, 4, state_.begin() + 8);
  state_[14] = load_little_endian<std::uint32_t>(&nonce[16]);
  state_[15] = load_little_endian<std::uint32_t>(&nonce[20]);
}

XChaCha::~XChaCha() {
  wipe(std::as_writable_bytes(std::span(state_)));
  wipe(std::as_writable_bytes(std::span(work_)));
}

void XChaCha::permute(State& s) const noexcept {
  for (unsigned round = 0; round < rounds_; round += 2) {
    for (std::size_t n = 0; n < 4; ++n) quarter_round(s[n], s[4 + n], s[8 + n], s[12 + n]);
    for (std::size_t n = 0; n < 4; ++n) {
      quarter_round(s[n], s[4 + (n + 1) % 4], s[8 + (n + 2) % 4], s[12 + (n + 3) % 4]);
    }
  }
}

void XChaCha::transform(std::span<const std::byte> from, std::span<std::byte> to) noexcept {
  for (std::size_t at = 0; at < from.size(); at += block) {
    work_ = state_;
    permute(work_);
    for (std::size_t n = 0; n < work_.size(); ++n) work_[n] += state_[n];
    const std::size_t count = std::min(block, from.size() - at);
    for (std::size_t n = 0; n < count; ++n) {
      to[at + n] = from[at + n] ^ static_cast<std::byte>(work_[n / 4] >> (8 * (n % 4)));
    }
    if (++state_[12] == 0) ++state_[13];
  }
}

}  // namespace luksdetached
