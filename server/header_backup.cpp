#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy_command.h"
#include "edit/header_backup.h"
#include "export/required_header.h"
#include "export/unlock_header.h"
#include "interruption.h"
#include "json_failure.h"
#include "print_json.h"
#include "source/uri.h"
#include "warnings.h"

namespace luksdetached {

int back_up_header(const HeaderBackupArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = arguments.options.options(Purpose::inspect);
    const Uri uri = parse_uri(options.headers.front());
    if (is_same_place(options.headers.front(), path_uri(arguments.output))) {
      throw OptionError("--output is the header itself");
    }
    Warnings warnings(arguments.json);
    const LoadedHeader loaded = read_header(options, options.headers.front(), HeaderPart::whole);
    warn_about(loaded.header, uri.name, warnings);
    const edit::Existing existing =
        edit::check_replaceable(arguments.output, loaded.header, arguments.force);
    const std::vector<std::byte> image = edit::backup_image(loaded);
    const Interruption until_it_is_told;
    {
      edit::NewFile file(arguments.output);
      file.write(image);
      file.publish(existing);
    }
    const std::string sha256 = header_sha256(loaded);
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", uri.name},
                  {"warnings", warnings.texts()},
                  {"output", arguments.output},
                  {"uuid", loaded.header.uuid},
                  {"size", image.size()},
                  {"header_sha256", sha256}});
    } else {
      std::printf("%s: backed up to %s, read back and compared\nUUID     %s\nSHA-256  %s\n",
                  uri.name.c_str(), escape_control(arguments.output).c_str(),
                  escape_control(loaded.header.uuid).c_str(), sha256.c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
