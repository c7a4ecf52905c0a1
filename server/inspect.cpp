#include <cstdio>

#include "base/error.h"
#include "commands.h"
#include "export/required_header.h"
#include "export/unlock_header.h"
#include "header_json.h"
#include "header_text.h"
#include "option_arguments.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

LoadedHeader read(const ExportOptions& options, bool json) {
  try {
    return read_header(options, options.headers.front(), HeaderPart::whole);
  } catch (const Error& error) {
    if (json) print_json({{"schema", 1}, {"valid", false}, {"error", error_json(error)}});
    throw;
  }
}

}  // namespace

int inspect(const HeaderArguments& arguments) {
  const ExportOptions options = arguments.options.options(Purpose::inspect);
  const LoadedHeader loaded = read(options, arguments.json);
  const std::string name = parse_uri(options.headers.front()).name;
  const std::string sha256 = header_sha256(loaded);
  if (arguments.json) {
    print_json(header_json(name, sha256, loaded.header));
  } else {
    std::fputs(header_text(name, sha256, loaded.header).c_str(), stdout);
  }
  return loaded.header.refusals.empty() ? exit_done : exit_not_supported;
}

}  // namespace luksdetached
