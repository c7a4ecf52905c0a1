#include <cstdio>

#include "commands.h"
#include "edit/change_keys.h"
#include "json_failure.h"
#include "key_command.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

int add_key(KeyArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = read_unlock_options(arguments.options);
    const ExportOptions new_options = arguments.new_secret.options(options);
    Warnings warnings(arguments.json);
    edit::EditedHeader header(options, warnings.warn());
    check_editable(options, header.loaded(), warnings);
    const edit::NewKeyslot slot = new_keyslot(arguments, header);
    const luks::Unlocked unlocked = unlock(options, header.loaded(), warnings);
    const SecureBuffer secret = read_new_secret(new_options, warnings.warn());
    edit::add_key(header, unlocked.volume_key, secret, slot, kdf_limits(options));
    const std::string name = parse_uri(options.headers.front()).name;
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"keyslot", slot.id}});
    } else {
      std::printf("%s: the new secret opens key slot %u\n", name.c_str(), slot.id);
    }
    return exit_done;
  });
}

}  // namespace luksdetached
