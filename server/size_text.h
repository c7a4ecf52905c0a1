// Sizes for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace luksdetached {

/// `bytes` in the largest unit that has no fraction: "64 MiB", "1 bytes".
inline std::string size_text(std::uint64_t bytes) {
  constexpr std::string_view units[] = {" bytes", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes).append(units[unit]);
}

}  // namespace luksdetached
