#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy/source_part.h"
#include "copy/unfinished_file.h"
#include "copy/zeros.h"
#include "copy_command.h"
#include "edit/edited_header.h"
#include "edit/forget_cached.h"
#include "edit/moved_segment.h"
#include "edit/write_plan.h"
#include "export/data_area.h"
#include "export/unlock_header.h"
#include "json_failure.h"
#include "print_json.h"
#include "size_text.h"
#include "source/uri.h"
#include "warnings.h"

namespace luksdetached {

namespace {

struct Attached {
  luks::Header header;
  DataArea area;  // in the volume
  std::uint64_t already_there = 0;
};

std::vector<std::byte> begin_of(Source& volume, std::size_t size) {
  std::vector<std::byte> bytes(size);
  volume.read(bytes, 0);
  return bytes;
}

// In an order in which the metadata come last. What an earlier attempt could not bring to the
// storage `uri` counts for nothing, though the system may still have it in its memory.
void put_in_front(const LoadedHeader& header, Source& volume, const std::string& uri) {
  edit::forget_cached(uri);
  const std::vector<std::byte> before = begin_of(volume, header.header.end);
  edit::carry_out(edit::plan_writes(before, nullptr, header.image, header.header), volume);
  edit::forget_cached(uri);
  if (begin_of(volume, header.header.end) == header.image) return;
  throw Error(ErrorKind::io, "volume " + volume.name() +
                                 ": what was written as its header is not what is read back");
}

// Is there nothing where the header goes but zeros and blocks of the header itself?
void check_room(const LoadedHeader& header, Source& volume) {
  const std::vector<std::byte> there = begin_of(volume, header.header.end);
  const auto foreign = copy::find_foreign_block(there, header.image);
  if (!foreign) return;
  throw Error(ErrorKind::policy, "payload " + volume.name() + " has something at byte " +
                                     std::to_string(*foreign) +
                                     ", where the header goes, which would be lost; --force "
                                     "overwrites it");
}

class Attachment {
 public:
  Attachment(const AttachArguments& arguments, Warnings& warnings)
      : arguments_(arguments), warnings_(warnings), options_(read_options(arguments)) {
    const std::string& uri = options_.headers.front();
    loaded_ = read_header(options_, uri, HeaderPart::whole);
    loaded_.image.resize(loaded_.header.end);
    check_servable(uri, loaded_.header, luks::Opener::volume_key);
    warn_about(loaded_.header, parse_uri(uri).name, warnings_);
    check_elsewhere(arguments_.volume, {uri});
  }

  Attached run() {
    if (is_same_place(arguments_.volume, options_.payload)) return attach_in_place();
    check_elsewhere(arguments_.volume, {options_.payload});
    payload_ = open_locked("payload", options_.payload, options_.insecure);
    area_ = find_area(*payload_);
    const bool has_room = loaded_.header.segment.offset >= loaded_.header.end;
    if (!has_room) {
      loaded_ = edit::move_segment(loaded_, edit::offset_behind(loaded_.header.end));
    }
    const std::uint64_t already_there =
        is_file_place(arguments_.volume) ? fill_file() : fill_in_place();
    return {loaded_.header, {offset(), area_.size, area_.sector_size}, already_there};
  }

 private:
  static ExportOptions read_options(const AttachArguments& arguments) {
    // No secret is needed: the header and the data stay as they are.
    ExportOptions options = arguments.options.options(Purpose::inspect);
    if (options.headers.size() != 1) throw OptionError("--header is given more than once");
    if (options.payload.empty()) throw OptionError("--payload URI is missing");
    return options;
  }

  std::uint64_t offset() const { return loaded_.header.segment.offset; }

  DataArea find_area(Source& payload) const {
    std::vector<std::string> about_payload;
    const DataArea area = find_data_area(loaded_.header.segment, payload.size(), {}, about_payload);
    for (const std::string& text : about_payload) {
      warnings_.add("payload " + payload.name() + ": " + text);
    }
    return area;
  }

  Attached attach_in_place() {
    const auto volume = open_to_write("payload", options_.payload, options_.insecure);
    const DataArea area = find_area(*volume);
    if (area.offset < loaded_.header.end) {
      throw Error(ErrorKind::policy, "the data in payload " + volume->name() + " begin at byte " +
                                         std::to_string(area.offset) + ", and the header has " +
                                         std::to_string(loaded_.header.end) +
                                         " bytes: there is no room for it; give another VOLUME");
    }
    if (!arguments_.force) check_room(loaded_, *volume);
    put_in_front(loaded_, *volume, options_.payload);
    return {loaded_.header, area};
  }

  copy::CopyJob job(Source& from, Source& to, copy::Target target) const {
    return {.from = from,
            .to = to,
            .bytes = area_.size,
            .target = target,
            .holes_are_zeros = is_file_place(options_.payload)};
  }

  std::uint64_t fill_file() {
    const std::string path = parse_uri(arguments_.volume).path;
    if (!arguments_.force) check_free("volume", path);
    const copy::Target target = copy::make_unfinished(path, offset() + area_.size);
    const std::string name = copy::unfinished_path(path);
    const auto volume = open_to_write("volume", name, false);
    const std::uint64_t already_there = fill(*volume, name, target);
    copy::finish(path, arguments_.force ? edit::Existing::replaced : edit::Existing::refused);
    return already_there;
  }

  std::uint64_t fill_in_place() {
    const auto volume = open_to_write("volume", arguments_.volume, options_.insecure);
    if (volume->size() < offset() + area_.size) {
      throw Error(ErrorKind::payload_too_small,
                  "volume " + volume->name() + " has " + std::to_string(volume->size()) +
                      " bytes, header and data need " + std::to_string(offset() + area_.size));
    }
    if (!arguments_.force) check_blank("volume", *volume);
    if (volume->size() > offset() + area_.size && !loaded_.header.segment.size) {
      warnings_.add("volume " + volume->name() + ": its last " +
                    std::to_string(volume->size() - offset() - area_.size) +
                    " bytes are more than the payload has, and become a part of the data");
    }
    // What was there goes first: it must not seem to be there still.
    const std::vector<std::byte> zeros(loaded_.header.end);
    volume->write(zeros, 0, Durability::cached);
    volume->flush();
    return fill(*volume, arguments_.volume, copy::Target::earlier);
  }

  // The header last: without it there is no volume.
  std::uint64_t fill(Source& volume, const std::string& uri, copy::Target target) {
    copy::SourcePart from(*payload_, area_.offset, area_.size);
    copy::SourcePart to(volume, offset(), area_.size);
    const std::uint64_t written = copy_and_verify(job(from, to, target), uri);
    put_in_front(loaded_, volume, uri);
    return area_.size - written;
  }

  const AttachArguments& arguments_;
  Warnings& warnings_;
  ExportOptions options_;
  LoadedHeader loaded_;
  std::unique_ptr<Source> payload_;
  DataArea area_;  // in the payload
};

}  // namespace

int attach(const AttachArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    Warnings warnings(arguments.json);
    const Attached attached = Attachment(arguments, warnings).run();
    const std::string volume = parse_uri(arguments.volume).name;
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"volume", volume},
                  {"warnings", warnings.texts()},
                  {"uuid", attached.header.uuid},
                  {"offset", attached.area.offset},
                  {"size", attached.area.size},
                  {"already_there", attached.already_there}});
    } else {
      std::printf("%s: an ordinary LUKS%u volume: %s of data, which begin at byte %llu\nUUID  %s\n",
                  volume.c_str(), attached.header.version, size_text(attached.area.size).c_str(),
                  static_cast<unsigned long long>(attached.area.offset),
                  attached.header.uuid.c_str());
    }
    return exit_done;
  });
}

}  // namespace luksdetached
