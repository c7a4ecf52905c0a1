// What the derivation of a new key slot's key shall be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace luksdetached::edit {

/// What is not said is libcryptsetup's default, its cost measured on this machine.
struct KdfChoice {
  std::string type{};                         ///< "argon2id", "argon2i" or "pbkdf2"
  std::string hash{};                         ///< as cryptsetup names it
  std::optional<std::uint32_t> memory_kib{};  ///< of Argon2, at most
  std::optional<std::uint32_t> lanes{};       ///< of Argon2, at most
  std::optional<std::uint32_t>
      iterations{};  ///< of PBKDF2, or passes of Argon2: nothing is measured
  std::optional<std::uint32_t> milliseconds{};  ///< how long it shall take here
};

}  // namespace luksdetached::edit
