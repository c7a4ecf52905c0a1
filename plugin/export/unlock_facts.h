// How an export came to be open.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace luksdetached {

struct UnlockFacts {
  std::string header{};               ///< the one that was used: a path or URI, redacted
  std::optional<unsigned> keyslot{};  ///< nothing: its volume key was given
  std::string cipher{};               ///< as cryptsetup spells it: "aes-xts-plain64"
  std::string kernel{};               ///< SectorCipher::kernel
  std::chrono::system_clock::time_point at{};
  std::chrono::nanoseconds duration{0};  ///< from reading the first header on
  std::vector<std::string> warnings{};   ///< sentences: what is wrong, but not enough to refuse it
};

}  // namespace luksdetached
