#include <cstdio>

#include "base/error.h"
#include "commands.h"
#include "edit/keyslot_rules.h"
#include "export/unlock_header.h"
#include "header_json.h"
#include "header_text.h"
#include "json_failure.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

int list_keys(const HeaderArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = arguments.options.options(Purpose::inspect);
    const std::string& uri = options.headers.front();
    const luks::Header header = read_header(options, uri, HeaderPart::metadata).header;
    const std::string name = parse_uri(uri).name;
    const std::size_t free = edit::most_keyslots(header) - header.keyslots.size();
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"version", header.version},
                  {"uuid", header.uuid},
                  {"keyslots", keyslots_json(header)},
                  {"free", free}});
    } else {
      std::fputs(keyslot_table(header).c_str(), stdout);
      std::printf("%zu of %u key slots are free\n", free, edit::most_keyslots(header));
    }
    return exit_done;
  });
}

}  // namespace luksdetached
