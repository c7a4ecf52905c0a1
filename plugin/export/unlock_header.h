// From what the user asked for to an unlocked header: the steps, for those who need only some.
#pragma once

#include <span>
#include <vector>

#include "config/export_options.h"
#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "luks/unlock.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Opens the header's source, reads `part` of the header and closes the source. The header is
/// intact, but may have refusals. Throws Error.
LoadedHeader read_header(const ExportOptions& options, HeaderPart part);

/// The same for a header that is to be served, as much of it as that needs: throws also when it is
/// not the required one, and the first of its refusals.
LoadedHeader read_servable_header(const ExportOptions& options);

/// Reads all secrets but those of tokens, then all passphrases. Throws Error.
std::vector<SecureBuffer> read_secrets(const ExportOptions& options, const Warn& warn);

/// Finds the key slot that one of `secrets` opens, or one of the header's tokens, if `options` asks
/// for them. Throws Error as luks::unlock and unlock_by_tokens do, with the header's name.
luks::Unlocked unlock_header(const ExportOptions& options, const LoadedHeader& loaded,
                             std::span<const SecureBuffer> secrets, const Warn& warn);

}  // namespace luksdetached
