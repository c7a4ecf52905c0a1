// Reads secrets straight into locked memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/export_options.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

/// Most bytes of a key file, as in cryptsetup.
inline constexpr std::uint64_t max_secret_bytes = std::uint64_t{8} << 20;

/// Reads the bytes of a key file exactly as they are: `size` bytes from `offset`, or all to the
/// end. The path may be a FIFO. Throws Error: source_unreachable when it cannot be read, usage when
/// it is empty, shorter than asked for, or larger than max_secret_bytes.
SecureBuffer read_secret_file(const std::string& path, std::uint64_t offset,
                              std::optional<std::uint64_t> size);

/// Reads one line, without its newline. On a terminal it prompts and does not echo. Throws Error
/// like read_secret_file; a NUL byte in the line is refused.
SecureBuffer read_passphrase(const PassphraseFrom& from);

}  // namespace luksdetached
