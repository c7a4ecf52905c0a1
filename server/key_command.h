// What the commands that change key slots have in common.
#pragma once

#include <string>
#include <vector>

#include "commands.h"
#include "config/export_options.h"
#include "edit/edited_header.h"
#include "edit/header_image.h"
#include "luks/unlock.h"

namespace luksdetached {

/// Warnings of a command: they are printed on standard error, or with --json in its object.
class Warnings {
 public:
  explicit Warnings(bool json) : json_(json) {}
  void add(const std::string& text);
  Warn warn() {
    return [this](const std::string& text) { add(text); };
  }
  const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  bool json_;
  std::vector<std::string> texts_;
};

/// The options of a command that needs something to unlock the header with; a passphrase typed on
/// the terminal when nothing was given. Throws OptionError.
ExportOptions read_unlock_options(OptionArguments& arguments);

/// Throws what keeps a header from being changed, and warns of what is wrong with it.
void check_editable(const ExportOptions& options, const LoadedHeader& loaded, Warnings& warnings);

/// Opens `loaded` with what the options name. Throws Error.
luks::Unlocked unlock(const ExportOptions& options, const LoadedHeader& loaded, Warnings& warnings);

/// What the command line says about a new key slot; `priority` where it does not.
edit::NewKeyslot new_keyslot(const KeyArguments& arguments, const luks::Header& header,
                             unsigned priority);

/// The limits of `options`.
luks::KdfLimits kdf_limits(const ExportOptions& options);

}  // namespace luksdetached
