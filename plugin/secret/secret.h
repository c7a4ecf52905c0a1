// Reads secrets straight into locked memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/export_options.h"
#include "crypto/secure_memory.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Which bytes of what was read are the secret.
struct SecretRange {
  std::uint64_t offset = 0;             ///< bytes to skip
  std::optional<std::uint64_t> size{};  ///< bytes to use after that; default: to the end
};

/// Reads the bytes of a secret exactly as they are, from any kind of place but tokens. Throws
/// Error: source_unreachable when it cannot be read, usage when it is empty, shorter than asked
/// for, or larger than max_secret_bytes. `warn` hears of a file that everybody can read.
SecureBuffer read_secret(const SecretFrom& from, const SecretRange& range, const Warn& warn);

/// Reads one line, without its newline. On a terminal it shows `prompt` and does not echo. Throws
/// Error like read_secret; a NUL byte in the line is refused.
SecureBuffer read_passphrase(const PassphraseFrom& from, const Warn& warn,
                             std::string_view prompt = "passphrase: ");

}  // namespace luksdetached
