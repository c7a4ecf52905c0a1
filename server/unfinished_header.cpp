#include "unfinished_header.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "copy/unfinished_file.h"
#include "copy_command.h"
#include "create_command.h"
#include "edit/header_place.h"
#include "edit/without_magic.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

constexpr std::uint64_t sector_bytes = 512;

}  // namespace

UnfinishedHeader::UnfinishedHeader(ExportOptions options, bool force)
    : options_(std::move(options)), force_(force) {
  std::string& uri = options_.headers.front();
  if (is_file_place(uri)) {
    path_ = parse_uri(uri).path;
    const std::string unfinished = copy::unfinished_path(path_);
    is_there_ = copy::exists(unfinished);
    uri = path_uri(unfinished);
    if (!force_) check_free("header", path_);
  } else {
    is_there_ = edit::find_without_magic(read()).has_value();
    if (!force_ && !is_there_) check_header_place(options_);
  }
}

std::string UnfinishedHeader::name() const {
  return parse_uri(options_.headers.front()).name;
}

std::vector<std::byte> UnfinishedHeader::read() const {
  const std::unique_ptr<Source> source =
      open_to_read("header", options_.headers.front(), options_.insecure);
  std::vector<std::byte> bytes(std::min(source->size(), most_new_header_bytes));
  source->read(bytes, 0);
  return bytes;
}

void UnfinishedHeader::make(const LoadedHeader& header, std::uint64_t source_bytes) {
  const LoadedHeader unfinished = edit::without_magic(header, source_bytes / sector_bytes);
  // That it may not be durable is said when it is finished.
  edit::HeaderPlace(options_, unfinished, [](const std::string& /*text*/) {}).put();
}

LoadedHeader UnfinishedHeader::load(std::uint64_t source_bytes) const {
  std::optional<edit::WithoutMagic> found = edit::find_without_magic(read());
  if (!found) {
    // All was done but for the file's name.
    if (!path_.empty()) {
      return load_header(*open_to_read("header", options_.headers.front(), options_.insecure),
                         HeaderPart::whole);
    }
    throw Error(ErrorKind::io,
                "header " + name() + ": somebody else has changed what was written there");
  }
  const std::uint64_t noted = found->note * sector_bytes;
  if (noted == source_bytes) return std::move(found->header);
  // The rest of a larger one would stay in the payload.
  throw Error(ErrorKind::usage, "header " + name() + " is of an attempt with a source of " +
                                    std::to_string(noted) + " bytes, and this one has " +
                                    std::to_string(source_bytes) + ": give that source" +
                                    or_begin_anew());
}

std::string UnfinishedHeader::or_begin_anew() const {
  return path_.empty() ? ", or overwrite that header with zeros to begin anew"
                       : ", or remove " + name() + " to begin anew";
}

void UnfinishedHeader::finish(const LoadedHeader& header, std::uint64_t source_bytes,
                              const Warn& warn) {
  if (load(source_bytes).image != header.image) {
    throw Error(ErrorKind::io, "header " + name() +
                                   ": there is another one now than the data were encrypted with");
  }
  edit::HeaderPlace(options_, header, warn).put();
  if (!path_.empty()) {
    copy::finish(path_, force_ ? edit::Existing::replaced : edit::Existing::refused);
  }
}

}  // namespace luksdetached
