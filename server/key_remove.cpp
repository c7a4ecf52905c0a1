#include <cstdio>
#include <string>

#include "commands.h"
#include "edit/change_keys.h"
#include "edit/keyslot_rules.h"
#include "export/of_header.h"
#include "json_failure.h"
#include "key_command.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

bool names_a_secret(const OptionArguments& options) {
  return options.has("secret") || options.has("passphrase");
}

// With --slot no secret is needed; one that is given must be of that key slot.
ExportOptions read_options(KeyArguments& arguments) {
  if (!arguments.slot) return read_unlock_options(arguments.options);
  if (arguments.options.has("keyslot")) {
    throw OptionError("--slot says which key slot is removed: --keyslot is not needed");
  }
  if (names_a_secret(arguments.options)) {
    arguments.options.set("keyslot", std::to_string(*arguments.slot));
    return arguments.options.options(Purpose::unlock);
  }
  return arguments.options.options(Purpose::inspect);
}

}  // namespace

int remove_key(KeyArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = read_options(arguments);
    Warnings warnings(arguments.json);
    edit::EditedHeader header(options, warnings.warn());
    check_editable(options, header.loaded(), warnings);
    const bool by_secret = !options.secrets.empty() || !options.passphrases.empty();
    const unsigned id = by_secret ? unlock(options, header.loaded(), warnings).keyslot.value()
                                  : arguments.slot.value();
    of_header("header", header.uri(), [&] {
      (void)edit::find_keyslot(header.loaded().header, id);
      if (!arguments.force) edit::check_not_last(header.loaded().header, id);
    });
    edit::remove_key(header, id);
    const std::string name = parse_uri(options.headers.front()).name;
    warn_of_backups(name, id, warnings);
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"removed", id}});
    } else {
      std::printf("%s: key slot %u is gone\n", name.c_str(), id);
    }
    return exit_done;
  });
}

}  // namespace luksdetached
