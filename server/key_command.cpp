#include "key_command.h"

#include <vector>

#include "edit/keyslot_rules.h"
#include "export/of_header.h"
#include "export/unlock_header.h"
#include "hardening.h"
#include "source/uri.h"

namespace luksdetached {

ExportOptions read_unlock_options(OptionArguments& arguments, Purpose purpose) {
  keep_memory_private();
  arguments.ask_unless_given("--secret SECRET or --passphrase +FILE is missing");
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

edit::NewKeyslot new_keyslot(const KeyArguments& arguments, const edit::EditedHeader& header) {
  constexpr unsigned normal_priority = 1;
  edit::NewKeyslot slot;
  slot.id = of_header("header", header.uri(),
                      [&] { return edit::free_keyslot(header.loaded().header, arguments.slot); });
  slot.priority = arguments.priority.value_or(normal_priority);
  slot.kdf = arguments.kdf;
  return slot;
}

void warn_of_backups(const std::string& name, unsigned id, Warnings& warnings) {
  warnings.add("older backups of header " + name + " still have key slot " + std::to_string(id) +
               ", and its secret opens them: replace them (luksdetached header backup --force)");
}

luks::KdfLimits kdf_limits(const ExportOptions& options) {
  return {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max};
}

}  // namespace luksdetached
