#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy/unfinished_file.h"
#include "copy_command.h"
#include "create_command.h"
#include "edit/header_place.h"
#include "edit/new_file.h"
#include "edit/new_volume.h"
#include "edit/payload_signature.h"
#include "export/data_area.h"
#include "export/open_as.h"
#include "interruption.h"
#include "json_failure.h"
#include "key_command.h"
#include "new_secret.h"
#include "print_json.h"
#include "size_text.h"
#include "source/uri.h"
#include "warnings.h"

namespace luksdetached {

namespace {

// The payload: a new file, or what is there.
struct Payload {
  std::string new_path;  // empty: it is there
  std::uint64_t bytes = 0;
};

Payload new_payload(const ExportOptions& options, const std::string& size_option, bool force) {
  const Uri uri = parse_uri(options.payload);
  if (uri.scheme != Scheme::path) {
    throw OptionError("--payload-size makes a file, and " + uri.name + " is none");
  }
  Payload payload;
  payload.new_path = uri.path;
  payload.bytes = parse_size("payload-size", size_option);
  if (payload.bytes == 0 || payload.bytes % 512 != 0) {
    throw OptionError("--payload-size " + size_option + ": must be a multiple of 512, and not 0");
  }
  struct stat status = {};
  if (!force && ::stat(uri.path.c_str(), &status) == 0) {
    throw Error(ErrorKind::policy, "payload " + uri.name +
                                       " exists; without --payload-size it is taken as it is, "
                                       "--force replaces it by an empty one");
  }
  return payload;
}

Payload existing_payload(const ExportOptions& options, bool force) {
  const Uri uri = parse_uri(options.payload);
  if (uri.scheme == Scheme::path && !copy::exists(uri.path)) {
    throw Error(ErrorKind::source_unreachable,
                "payload: cannot open " + uri.name + ": " + errno_text(ENOENT) +
                    "; --payload-size SIZE makes it",
                ENOENT);
  }
  const std::unique_ptr<Source> source =
      open_as("payload", options.payload,
              {.access = Access::read_only, .lock = false, .insecure = options.insecure});
  Payload payload;
  payload.bytes = source->size();
  const std::string there = force ? std::string() : edit::find_signature(*source);
  if (there.empty()) return payload;
  throw Error(ErrorKind::policy,
              "payload " + source->name() + " holds " + there +
                  ", which the volume would not have, and overwrite by and by; --force takes the "
                  "payload all the same");
}

void make_payload(const Payload& payload, bool force) {
  edit::NewFile file(payload.new_path);
  file.resize(payload.bytes);
  file.publish(force ? edit::Existing::replaced : edit::Existing::refused);
}

// The header goes last: without it there is nothing that looks like a volume.
void put(const ExportOptions& options, const LoadedHeader& header, const Payload& payload,
         bool force, Warnings& warnings) {
  if (!force) check_header_place(options);  // to derive a key takes a while
  edit::HeaderPlace place(options, header, warnings.warn());
  if (payload.new_path.empty()) {
    place.put();
    return;
  }
  const Interruption until_both_are_there;
  make_payload(payload, force);
  try {
    place.put();
  } catch (...) {
    ::unlink(payload.new_path.c_str());
    throw;
  }
}

edit::VolumeChoice choice_of(const CreateArguments& arguments, const ExportOptions& options,
                             std::uint64_t payload_bytes) {
  edit::VolumeChoice choice = arguments.choice;
  choice.sector_bytes = arguments.sector_bytes.value_or(
      edit::usual_sector_bytes(choice.version, options.payload, payload_bytes));
  if (payload_bytes < choice.sector_bytes) {
    throw Error(ErrorKind::payload_too_small,
                "payload " + parse_uri(options.payload).name + " has " +
                    std::to_string(payload_bytes) + " bytes, not even one sector of " +
                    std::to_string(choice.sector_bytes) + "; --payload-size makes one");
  }
  return choice;
}

}  // namespace

int create(CreateArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = read_create_options(arguments);
    check_places(options, {});
    Warnings warnings(arguments.json);
    if (!arguments.force) check_header_place(options);
    const Payload payload = arguments.payload_size.empty()
                                ? existing_payload(options, arguments.force)
                                : new_payload(options, arguments.payload_size, arguments.force);
    const edit::VolumeChoice choice = choice_of(arguments, options, payload.bytes);
    const SecureBuffer secret = read_new_secret(options, warnings.warn());
    const LoadedHeader made = edit::make_header(choice, payload.bytes, secret, kdf_limits(options));
    std::vector<std::string> about_data;
    const DataArea area = find_data_area(made.header.segment, payload.bytes, {}, about_data);
    for (const std::string& text : about_data) warnings.add(text);
    put(options, made, payload, arguments.force, warnings);
    const luks::Segment& segment = made.header.segment;
    const std::string name = parse_uri(options.headers.front()).name;
    const std::string payload_name = parse_uri(options.payload).name;
    const std::size_t key_bytes = made.header.volume_key_bytes.value();
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"payload", payload_name},
                  {"version", made.header.version},
                  {"uuid", made.header.uuid},
                  {"encryption", segment.encryption},
                  {"key_size", key_bytes},
                  {"sector_size", segment.sector_size},
                  {"size", area.size},
                  {"keyslot", 0}});
    } else {
      std::printf(
          "%s: a LUKS%u header for %s: %s, key of %zu bits, sectors of %zu bytes, %s of data\n"
          "UUID  %s\n",
          name.c_str(), made.header.version, payload_name.c_str(), segment.encryption.c_str(),
          8 * key_bytes, segment.sector_size, size_text(area.size).c_str(),
          made.header.uuid.c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
