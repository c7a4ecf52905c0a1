#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy/unfinished_file.h"
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

struct Outcome {
  std::string payload;
  std::uint64_t bytes;
  std::uint64_t already_there;  // bytes
};

// Into a file, which has another name until it is complete.
std::uint64_t copy_to_file(Source& plain, const std::string& path, bool force) {
  if (!force) check_free("target", path);
  const copy::Target target = copy::make_unfinished(path, plain.size());
  const std::string name = copy::unfinished_path(path);
  const auto file = open_to_write("target", name, false);
  const std::uint64_t written =
      copy_and_verify({.from = plain, .to = *file, .bytes = plain.size(), .target = target}, name);
  copy::finish(path, force ? edit::Existing::replaced : edit::Existing::refused);
  return written;
}

// Onto a device or a server, which begins with zeros until all else is there.
std::uint64_t copy_in_place(Source& plain, const std::string& uri, bool force, bool insecure,
                            Warnings& warnings) {
  const auto target = open_to_write("target", uri, insecure);
  if (target->size() < plain.size()) {
    throw Error(ErrorKind::payload_too_small,
                "target " + target->name() + " has " + std::to_string(target->size()) +
                    " bytes, the volume has " + std::to_string(plain.size()));
  }
  if (!force) check_blank("target", *target);
  if (target->size() > plain.size()) {
    warnings.add("target " + target->name() + ": its last " +
                 std::to_string(target->size() - plain.size()) +
                 " bytes are more than the volume has, and stay as they are");
  }
  return copy_and_verify({.from = plain,
                          .to = *target,
                          .bytes = plain.size(),
                          .target = copy::Target::earlier,
                          .first_piece_last = true},
                         uri);
}

Outcome run(DecryptArguments& arguments, Warnings& warnings) {
  ExportOptions options = read_unlock_options(arguments.options, Purpose::serve);
  options.readonly = true;
  std::vector<std::string> places = options.headers;
  places.push_back(options.payload);
  check_elsewhere(arguments.target, places);
  const bool is_file = is_file_place(arguments.target);
  const std::string path = parse_uri(arguments.target).path;
  if (is_file && !arguments.force) check_free("target", path);
  RangeLock lock;
  OpenedExport opened =
      open_export(options, Access::read_only, lock, [](const std::string& /*text*/) {});
  for (const std::string& text : opened.warnings) warnings.add(text);
  const std::string payload = parse_uri(options.payload).name;
  copy::VolumeSource plain(std::move(opened.volume), payload);
  plain.start();
  const std::uint64_t written =
      is_file ? copy_to_file(plain, path, arguments.force)
              : copy_in_place(plain, arguments.target, arguments.force, options.insecure, warnings);
  return {payload, plain.size(), plain.size() - written};
}

}  // namespace

int decrypt(DecryptArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    Warnings warnings(arguments.json);
    const Outcome outcome = run(arguments, warnings);
    const std::string target = parse_uri(arguments.target).name;
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"target", target},
                  {"warnings", warnings.texts()},
                  {"payload", outcome.payload},
                  {"size", outcome.bytes},
                  {"already_there", outcome.already_there}});
    } else {
      std::printf("%s: has the %s of %s, plain, read back and compared\n", target.c_str(),
                  size_text(outcome.bytes).c_str(), outcome.payload.c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
