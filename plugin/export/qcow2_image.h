// Images that are taken for what is inside them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace luksdetached {

/// What a qcow2 image begins with.
constexpr std::array<std::byte, 4> qcow2_magic = {std::byte{'Q'}, std::byte{'F'}, std::byte{'I'},
                                                  std::byte{0xfb}};

inline bool begins_like_qcow2(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= qcow2_magic.size() &&
         std::equal(qcow2_magic.begin(), qcow2_magic.end(), bytes.begin());
}

}  // namespace luksdetached
