#include "create_command.h"

#include "hardening.h"
#include "new_secret.h"

namespace luksdetached {

ExportOptions read_create_options(CreateArguments& arguments) {
  keep_memory_private();
  arguments.options.ask_unless_given("--secret SECRET or --passphrase +FILE is missing");
  ExportOptions options = arguments.options.options(Purpose::serve);
  if (options.headers.size() != 1) throw OptionError("--header is given more than once");
  check_single_secret(options);
  return options;
}

}  // namespace luksdetached
