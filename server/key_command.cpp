#include "key_command.h"

#include <unistd.h>

#include <vector>

#include "edit/keyslot_rules.h"
#include "export/unlock_header.h"
#include "source/uri.h"

namespace luksdetached {

ExportOptions read_unlock_options(OptionArguments& arguments, Purpose purpose) {
  const bool given =
      arguments.has("secret") || arguments.has("passphrase") || arguments.has("volume-key");
  if (!given) {
    if (isatty(STDIN_FILENO) != 1) {
      throw OptionError(
          "--secret SECRET or --passphrase +FILE is missing: there is no terminal to ask on");
    }
    arguments.set("passphrase", "-");
  }
  return arguments.options(purpose);
}

void check_editable(const ExportOptions& options, const LoadedHeader& loaded, Warnings& warnings) {
  const std::string& uri = options.headers.front();
  check_servable(uri, loaded.header, luks::Opener::volume_key);
  warn_about(loaded.header, parse_uri(uri).name, warnings);
}

luks::Unlocked unlock(const ExportOptions& options, const LoadedHeader& loaded,
                      Warnings& warnings) {
  const std::string& uri = options.headers.front();
  check_servable(uri, loaded.header, opener_of(options));
  const std::vector<SecureBuffer> secrets = read_secrets(options, warnings.warn());
  luks::KdfBudget budget = kdf_budget(options);
  return unlock_header(options, uri, loaded, secrets, budget, warnings.warn());
}

edit::NewKeyslot new_keyslot(const KeyArguments& arguments, const luks::Header& header,
                             unsigned priority) {
  edit::NewKeyslot slot;
  slot.id = edit::free_keyslot(header, arguments.slot);
  slot.priority = arguments.priority.value_or(priority);
  slot.kdf = arguments.kdf;
  return slot;
}

luks::KdfLimits kdf_limits(const ExportOptions& options) {
  return {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max};
}

}  // namespace luksdetached
