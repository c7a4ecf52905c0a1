#include "unfinished_header.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "copy/unfinished_file.h"
#include "copy_command.h"
#include "create_command.h"
#include "edit/header_backup.h"
#include "edit/header_place.h"
#include "edit/new_file.h"
#include "edit/without_magic.h"
#include "source/file_source.h"
#include "source/uri.h"

namespace luksdetached {

UnfinishedHeader::UnfinishedHeader(ExportOptions options, bool force)
    : options_(std::move(options)), force_(force) {
  const std::string& uri = options_.headers.front();
  if (is_file_place(uri)) {
    path_ = parse_uri(uri).path;
    is_there_ = copy::exists(copy::unfinished_path(path_));
    if (!force_) check_free("header", path_);
  } else {
    is_there_ = find().has_value();
    if (!force_ && !is_there_) check_header_place(options_);
  }
}

std::string UnfinishedHeader::name() const {
  return path_.empty() ? parse_uri(options_.headers.front()).name
                       : escape_control(copy::unfinished_path(path_));
}

std::optional<LoadedHeader> UnfinishedHeader::find() const {
  const std::unique_ptr<Source> source =
      open_to_read("header", options_.headers.front(), options_.insecure);
  std::vector<std::byte> bytes(std::min(source->size(), most_new_header_bytes));
  source->read(bytes, 0);
  return edit::find_without_magic(bytes);
}

void UnfinishedHeader::make(const LoadedHeader& header) {
  if (path_.empty()) {
    const LoadedHeader unfinished = edit::without_magic(header);
    // That it may not be durable is said when it is finished.
    edit::HeaderPlace(options_, unfinished, [](const std::string& /*text*/) {}).put();
    return;
  }
  edit::NewFile file(copy::unfinished_path(path_));
  file.write(edit::backup_image(header));
  file.publish(edit::Existing::refused);
}

LoadedHeader UnfinishedHeader::load() const {
  if (!path_.empty()) {
    FileSource file(copy::unfinished_path(path_), Access::read_only, false);
    return load_header(file, HeaderPart::whole);
  }
  std::optional<LoadedHeader> found = find();
  if (found) return *std::move(found);
  throw Error(ErrorKind::io,
              "header " + name() + ": somebody else has changed what was written there");
}

void UnfinishedHeader::finish(const LoadedHeader& header, const Warn& warn) {
  if (!path_.empty()) {
    copy::finish(path_, force_ ? edit::Existing::replaced : edit::Existing::refused);
    return;
  }
  if (load().image != header.image) {
    throw Error(ErrorKind::io, "header " + name() +
                                   ": there is another one now than the data were encrypted with");
  }
  edit::HeaderPlace(options_, header, warn).put();
}

}  // namespace luksdetached
