// A header as text for people, for inspect.
#pragma once

#include <string>

#include "luks/header.h"

namespace luksdetached {

/// What is said of the header called `name` (as Uri::name has it), with the digest of its bytes:
/// aligned lines that end in a newline. Nothing in it can steer a terminal, whatever the header
/// holds.
std::string header_text(const std::string& name, const std::string& sha256,
                        const luks::Header& header);

/// The key slots of the header as aligned lines, a heading first; empty when it has none.
std::string keyslot_table(const luks::Header& header);

}  // namespace luksdetached
