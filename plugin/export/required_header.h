// What the user knows of the header. LUKS does not authenticate it: who can write to where it lies
// could put another one there.
#pragma once

#include <string>

#include "config/export_options.h"
#include "export/load_header.h"

namespace luksdetached {

/// What header-sha256= has to say for this header: 64 hexadecimal digits. `loaded` must have been
/// loaded whole.
std::string header_sha256(const LoadedHeader& loaded);

/// Throws Error(policy), with what was asked for and what was found, when the header is not the one
/// that require-luks=, require-uuid=, require-cipher= and header-sha256= describe. For the last one
/// `loaded` must have been loaded whole.
void check_required_header(const ExportOptions& options, const LoadedHeader& loaded);

}  // namespace luksdetached
