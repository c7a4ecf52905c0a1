// What transforms sectors, ours and that of the libraries, in one shape, so that they can be
// measured alike.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "crypto/cipher_spec.h"

namespace luksdetached::bench {

enum class Direction { encrypt, decrypt };

/// The work to be done: a cipher (aes-xts-plain64 or aes-cbc-essiv:sha256) with its key.
struct SectorWork {
  CipherSpec spec;
  std::vector<std::byte> key;
  std::size_t sector_size;
  Direction direction;
};

/// Transforms whole sectors in place; the first of them is sector 0.
using Transform = std::function<void(std::span<std::byte> run)>;

/// Who does it. `make` sets keys up, which is not measured.
struct Contender {
  std::string name;
  std::function<Transform(const SectorWork& work)> make;
};

/// The libraries, each the way its users encrypt sectors: keys set once, an IV and one call for
/// each sector.
std::vector<Contender> sector_peers();

}  // namespace luksdetached::bench
