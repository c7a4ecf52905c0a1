#include "create_command.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/error.h"
#include "copy_command.h"
#include "export/open_as.h"
#include "hardening.h"
#include "new_secret.h"
#include "source/uri.h"

namespace luksdetached {

ExportOptions read_create_options(CreateArguments& arguments) {
  keep_memory_private();
  arguments.options.ask_unless_given("--secret SECRET or --passphrase +FILE is missing");
  ExportOptions options = arguments.options.options(Purpose::serve);
  if (options.headers.size() != 1) throw OptionError("--header is given more than once");
  check_single_secret(options);
  return options;
}

void check_places(const ExportOptions& options, const std::string& source) {
  std::vector<std::string> read = secret_files(options);
  if (!source.empty()) read.push_back(source);
  std::vector<std::string> beside_header = read;
  beside_header.push_back(options.payload);
  check_elsewhere(options.headers.front(), beside_header);
  std::vector<std::string> beside_payload = read;
  beside_payload.push_back(options.headers.front());
  check_elsewhere(options.payload, beside_payload);
}

void check_header_place(const ExportOptions& options) {
  const std::string& text = options.headers.front();
  const Uri uri = parse_uri(text);
  struct stat status = {};
  const bool is_path = uri.scheme == Scheme::path;
  if (is_path && ::stat(uri.path.c_str(), &status) != 0 && errno == ENOENT) return;
  const std::unique_ptr<Source> source = open_as(
      "header", text, {.access = Access::read_only, .lock = false, .insecure = options.insecure});
  std::vector<std::byte> bytes(std::min(source->size(), most_new_header_bytes));
  source->read(bytes, 0);
  const bool blank =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
  const bool is_file = is_path && S_ISREG(status.st_mode);
  if (is_file ? bytes.empty() : blank) return;
  throw Error(ErrorKind::policy, "there is something in header " + uri.name +
                                     " already, which would be lost; --force overwrites it");
}

}  // namespace luksdetached
