// What the commands that change key slots have in common.
#pragma once

#include "commands.h"
#include "config/export_options.h"
#include "edit/edited_header.h"
#include "edit/header_image.h"
#include "luks/unlock.h"
#include "warnings.h"

namespace luksdetached {

/// The options of a command that needs something to unlock the header with; a passphrase typed on
/// the terminal when nothing was given. Throws OptionError.
ExportOptions read_unlock_options(OptionArguments& arguments, Purpose purpose = Purpose::unlock);

/// Throws what keeps a header from being changed, and warns of what is wrong with it.
void check_editable(const ExportOptions& options, const LoadedHeader& loaded, Warnings& warnings);

/// Opens `loaded` with what the options name. Throws Error.
luks::Unlocked unlock(const ExportOptions& options, const LoadedHeader& loaded, Warnings& warnings);

/// What the command line says about a new key slot: the first free one, of normal priority, where
/// it does not. Throws Error.
edit::NewKeyslot new_keyslot(const KeyArguments& arguments, const edit::EditedHeader& header);

/// Warns that key slot `id`, which was removed, is still in backups of the header called `name`.
void warn_of_backups(const std::string& name, unsigned id, Warnings& warnings);

/// The limits of `options`.
luks::KdfLimits kdf_limits(const ExportOptions& options);

}  // namespace luksdetached
