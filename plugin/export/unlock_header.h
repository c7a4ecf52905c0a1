// From what the user asked for to an unlocked header: the steps, for those who need only some.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "luks/unlock.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Opens the source `uri`, reads `part` of the header and closes the source. The header is intact,
/// but may have refusals. Throws Error.
LoadedHeader read_header(const ExportOptions& options, const std::string& uri, HeaderPart part);

/// The same for a header that is to be unlocked, as much of it as that needs: throws also when it
/// is not the required one.
LoadedHeader read_required_header(const ExportOptions& options, const std::string& uri);

/// Throws the first of the refusals of the header `uri` that matter to `opener`.
void check_servable(const std::string& uri, const luks::Header& header, luks::Opener opener);

/// What the options have to open a volume with.
luks::Opener opener_of(const ExportOptions& options) noexcept;

/// Reads all secrets but those of tokens, then all passphrases; or the volume key alone. Throws
/// Error.
std::vector<SecureBuffer> read_secrets(const ExportOptions& options, const Warn& warn);

/// What deriving keys may cost, for one volume.
luks::KdfBudget kdf_budget(const ExportOptions& options);

/// Opens the header `uri` with what read_secrets returned, or else with its tokens if `options` ask
/// for them. Throws Error as luks::unlock, luks::unlock_with_volume_key and unlock_by_tokens do,
/// with the header's name. `warn` hears of tokens that failed before another one opened.
luks::Unlocked unlock_header(const ExportOptions& options, const std::string& uri,
                             const LoadedHeader& loaded, std::span<const SecureBuffer> secrets,
                             luks::KdfBudget& budget, const Warn& warn);

}  // namespace luksdetached
