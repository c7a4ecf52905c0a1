#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "copy_command.h"
#include "export/open_export.h"
#include "json_failure.h"
#include "key_command.h"
#include "print_json.h"
#include "size_text.h"
#include "source/uri.h"
#include "warnings.h"

namespace luksdetached {

namespace {

struct Decrypted {
  std::string payload;
  std::uint64_t bytes;
  std::uint64_t already_there;  // bytes
};

Decrypted copy_plain(DecryptArguments& arguments, Warnings& warnings) {
  ExportOptions options = read_unlock_options(arguments.options, Purpose::serve);
  options.readonly = true;
  std::vector<std::string> places = secret_files(options);
  places.insert(places.end(), options.headers.begin(), options.headers.end());
  places.push_back(options.payload);
  check_elsewhere(arguments.target, places);
  RangeLock lock;
  OpenedExport opened =
      open_export(options, Access::read_only, lock, [](const std::string& /*text*/) {});
  for (const std::string& text : opened.warnings) warnings.add(text);
  const std::string payload = parse_uri(options.payload).name;
  copy::VolumeSource plain(std::move(opened.volume), payload);
  plain.start();
  const std::uint64_t already_there = copy_to(plain, false,
                                              {.role = "target",
                                               .uri = arguments.target,
                                               .force = arguments.force,
                                               .insecure = options.insecure},
                                              warnings);
  return {payload, plain.size(), already_there};
}

}  // namespace

int decrypt(DecryptArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    Warnings warnings(arguments.json);
    const Decrypted decrypted = copy_plain(arguments, warnings);
    const std::string target = parse_uri(arguments.target).name;
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"target", target},
                  {"warnings", warnings.texts()},
                  {"payload", decrypted.payload},
                  {"size", decrypted.bytes},
                  {"already_there", decrypted.already_there}});
    } else {
      std::printf("%s: has the %s of %s, plain, read back and compared\n", target.c_str(),
                  size_text(decrypted.bytes).c_str(), decrypted.payload.c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
