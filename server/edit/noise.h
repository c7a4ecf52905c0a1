// Random bytes.
#pragma once

#include <cstddef>
#include <span>

namespace luksdetached::edit {

/// Fills `bytes` with what nobody can guess: good enough for a key. Throws Error.
void fill_with_noise(std::span<std::byte> bytes);

}  // namespace luksdetached::edit
