#include "create_command.h"

#include <unistd.h>

#include "new_secret.h"

namespace luksdetached {

ExportOptions read_create_options(CreateArguments& arguments) {
  if (!arguments.options.has("secret") && !arguments.options.has("passphrase")) {
    if (isatty(STDIN_FILENO) != 1) {
      throw OptionError(
          "--secret SECRET or --passphrase +FILE is missing: there is no terminal to ask on");
    }
    arguments.options.set("passphrase", "-");
  }
  ExportOptions options = arguments.options.options(Purpose::serve);
  if (options.headers.size() != 1) throw OptionError("--header is given more than once");
  check_single_secret(options);
  return options;
}

}  // namespace luksdetached
