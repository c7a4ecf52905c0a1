#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy_command.h"
#include "edit/header_place.h"
#include "export/unlock_header.h"
#include "json_failure.h"
#include "print_json.h"
#include "source/uri.h"
#include "status/timestamp.h"
#include "text_table.h"
#include "warnings.h"

namespace luksdetached {

namespace {

using nlohmann::ordered_json;

// What tells two headers of a volume apart.
struct Side {
  std::string version, uuid, keyslots, sequence, modified;
};

// When the file was changed the last time; empty for what is no file.
std::string modified(const std::string& uri) {
  const Uri parsed = parse_uri(uri);
  struct stat status = {};
  if (parsed.scheme != Scheme::path || ::stat(parsed.path.c_str(), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    return {};
  }
  return timestamp(std::chrono::system_clock::from_time_t(status.st_mtime));
}

std::vector<unsigned> keyslot_ids(const luks::Header& header) {
  std::vector<unsigned> ids;
  ids.reserve(header.keyslots.size());
  for (const luks::Keyslot& slot : header.keyslots) ids.push_back(slot.id);
  return ids;
}

Side describe(const luks::Header& header, const std::string& uri) {
  Side side;
  side.version = "LUKS" + std::to_string(header.version);
  side.uuid = header.uuid;
  for (const unsigned id : keyslot_ids(header)) {
    side.keyslots += (side.keyslots.empty() ? "" : ", ") + std::to_string(id);
  }
  const auto sequence = luks::sequence_of(header);
  side.sequence = sequence ? std::to_string(*sequence) : "";
  side.modified = modified(uri);
  return side;
}

ordered_json side_json(const luks::Header& header, const std::string& uri) {
  const auto sequence = luks::sequence_of(header);
  const std::string time = modified(uri);
  return {{"version", header.version},
          {"uuid", header.uuid},
          {"keyslots", keyslot_ids(header)},
          {"sequence", sequence ? ordered_json(*sequence) : ordered_json(nullptr)},
          {"modified", time.empty() ? ordered_json(nullptr) : ordered_json(time)}};
}

void print_both(const Side& old, const Side& backup) {
  const auto row = [&](const char* name, std::string Side::*member) {
    return Row{name, (old.*member).empty() ? "-" : old.*member,
               (backup.*member).empty() ? "-" : backup.*member};
  };
  const std::string table = text_table({{"", "there now", "backup"},
                                        row("format", &Side::version),
                                        row("UUID", &Side::uuid),
                                        row("key slots", &Side::keyslots),
                                        row("sequence", &Side::sequence),
                                        row("modified", &Side::modified)},
                                       0);
  std::fputs(table.c_str(), stdout);
  std::fflush(stdout);
}

bool is_servable(const luks::Header& header) {
  return std::ranges::all_of(header.refusals,
                             [](const luks::Refusal& refusal) { return refusal.of_secrets; });
}

// What we do not know, such as how far a reencryption has come, may be nowhere else.
void check_known(const luks::Header* old, const luks::Header& backup, const std::string& name) {
  if (old == nullptr || is_servable(*old) || !is_servable(backup)) return;
  throw Error(ErrorKind::policy,
              "header " + name + " is in a state that the backup does not know: " +
                  old->refusals.front().message + "; --force restores it all the same");
}

bool has_keyslot(const luks::Header& header, const luks::Keyslot& wanted) {
  return std::ranges::any_of(header.keyslots, [&](const luks::Keyslot& slot) {
    return slot.id == wanted.id && slot.kdf.salt == wanted.kdf.salt;
  });
}

// An older header may bring back a key slot that was removed for a reason, and whose number another
// one has now.
void warn_of_revived(const luks::Header* old, const luks::Header& backup, Warnings& warnings) {
  if (old == nullptr || old->uuid != backup.uuid) return;
  for (const luks::Keyslot& slot : backup.keyslots) {
    if (has_keyslot(*old, slot)) continue;
    warnings.add("key slot " + std::to_string(slot.id) +
                 " of the backup is not in the header that is there now: its secret opens the "
                 "volume again");
  }
}

std::string keep_path(const HeaderRestoreArguments& arguments, const std::string& uri,
                      const edit::HeaderPlace& place) {
  if (!arguments.keep_old.empty()) {
    check_elsewhere(path_uri(arguments.keep_old), {uri, arguments.input});
    return arguments.keep_old;
  }
  if (place.needs_keep_path()) {
    throw OptionError(
        "--keep-old PATH is missing: this header is not in a file of its own, so what is there now "
        "needs a place where it is kept");
  }
  return place.usual_keep_path(std::chrono::system_clock::now());
}

}  // namespace

int restore_header(const HeaderRestoreArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    const ExportOptions options = arguments.options.options(Purpose::inspect);
    const std::string& uri = options.headers.front();
    const std::string name = parse_uri(uri).name;
    const std::string input = parse_uri(arguments.input).name;
    Warnings warnings(arguments.json);
    const LoadedHeader backup =
        load_header(*open_to_read("header", arguments.input, options.insecure), HeaderPart::whole,
                    HeaderAdvice::none);
    warn_about(backup.header, input, warnings);
    edit::HeaderPlace place(options, backup, warnings.warn());
    const luks::Header* const old = place.current();
    const ordered_json old_json = old == nullptr ? ordered_json(nullptr) : side_json(*old, uri);
    if (!arguments.json) {
      print_both(old == nullptr ? Side{} : describe(*old, uri),
                 describe(backup.header, arguments.input));
    }
    if (!arguments.force) {
      place.check_same_volume();
      check_known(old, backup.header, name);
    }
    warn_of_revived(old, backup.header, warnings);
    const std::string kept = keep_path(arguments, uri, place);
    const bool keeps =
        !kept.empty() && !place.has_it() && (old != nullptr || !place.damage().empty());
    if (keeps) place.keep(kept);
    place.put();
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"input", input},
                  {"old", old_json},
                  {"backup", side_json(backup.header, arguments.input)},
                  {"kept", keeps ? ordered_json(kept) : ordered_json(nullptr)}});
    } else {
      std::printf(place.has_it() ? "%s: has what is in %s already\n" : "%s: restored from %s\n",
                  name.c_str(), input.c_str());
      if (keeps) std::printf("what was there is kept in %s\n", escape_control(kept).c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
