// How secret= and volume-key= are written. Included by this folder only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/export_options.h"

namespace luksdetached {

/// Takes the value of the parameter `key` apart: a path, fd:N, -, credential:NAME, exec:PATH or
/// token:. Throws OptionError.
SecretFrom parse_secret(std::string_view key, std::string_view value);

/// The same for a program with arguments: `words` has at least one element, and the first one is
/// exec:PATH. Throws OptionError.
SecretFrom parse_secret_program(std::string_view key, const std::vector<std::string>& words);

/// The descriptor of this process that `from` reads to its end, or -1.
int descriptor_of(const SecretFrom& from);
int descriptor_of(const PassphraseFrom& from);

}  // namespace luksdetached
