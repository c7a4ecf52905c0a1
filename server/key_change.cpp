#include <algorithm>
#include <cstdio>
#include <string>

#include "commands.h"
#include "edit/change_keys.h"
#include "edit/keyslot_rules.h"
#include "json_failure.h"
#include "key_command.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

// What tokens yield is the old secret.
void warn_of_tokens(const luks::Header& header, unsigned id, Warnings& warnings) {
  for (const luks::Token& token : header.tokens) {
    if (std::count(token.keyslots.begin(), token.keyslots.end(), id) == 0) continue;
    warnings.add("token " + std::to_string(token.id) + " (" + token.type + ") was for key slot " +
                 std::to_string(id) + ", which is gone: it does not open the new one");
  }
}

}  // namespace

int change_key(KeyArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = read_unlock_options(arguments.options);
    const ExportOptions new_options = arguments.new_secret.options(options);
    Warnings warnings(arguments.json);
    edit::EditedHeader header(options, warnings.warn());
    check_editable(options, header.loaded(), warnings);
    edit::NewKeyslot slot = new_keyslot(arguments, header);
    const luks::Unlocked unlocked = unlock(options, header.loaded(), warnings);
    const unsigned old = unlocked.keyslot.value();
    const luks::Header& before = header.loaded().header;
    if (!arguments.priority) slot.priority = edit::find_keyslot(before, old).priority;
    warn_of_tokens(before, old, warnings);
    const SecureBuffer secret = read_new_secret(new_options, warnings.warn());
    edit::add_key(header, unlocked.volume_key, secret, slot, kdf_limits(options));
    edit::remove_key(header, old);
    const std::string name = parse_uri(options.headers.front()).name;
    warn_of_backups(name, old, warnings);
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"keyslot", slot.id},
                  {"removed", old}});
    } else {
      std::printf("%s: the new secret opens key slot %u; key slot %u is gone\n", name.c_str(),
                  slot.id, old);
    }
    return exit_done;
  });
}

}  // namespace luksdetached
