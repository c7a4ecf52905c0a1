#include "detached_header.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "copy/unfinished_file.h"
#include "copy/zeros.h"
#include "copy_command.h"
#include "edit/header_backup.h"
#include "edit/header_place.h"
#include "edit/new_file.h"
#include "source/uri.h"

namespace luksdetached {

DetachedHeader::DetachedHeader(ExportOptions options, const std::string& uri, bool force)
    : options_(std::move(options)), force_(force) {
  options_.headers = {uri};
  if (is_file_place(uri)) path_ = parse_uri(uri).path;
}

std::unique_ptr<Source> DetachedHeader::open() const {
  return open_to_read("header", options_.headers.front(), options_.insecure);
}

bool DetachedHeader::may_be_there() const {
  return path_.empty() || copy::exists(path_);
}

LoadedHeader DetachedHeader::load() const {
  return load_header(*open(), HeaderPart::whole);
}

bool DetachedHeader::has(const LoadedHeader& header) const {
  if (!may_be_there()) return false;
  const std::unique_ptr<Source> source = open();
  std::vector<std::byte> image = edit::backup_image(header);
  if (path_.empty()) image.resize(header.header.end);  // what follows is not the header's
  if (path_.empty() && source->size() < image.size()) {
    throw Error(ErrorKind::usage, "header " + source->name() + " has " +
                                      std::to_string(source->size()) + " bytes, and it needs " +
                                      std::to_string(image.size()));
  }
  std::vector<std::byte> there(
      std::min<std::uint64_t>(source->size(), image.size() + (path_.empty() ? 0 : 1)));
  source->read(there, 0);
  if (there == image) return true;
  if (force_) return false;
  if (!path_.empty()) check_free("header", path_);
  const auto foreign = copy::find_foreign_block(there, image);
  if (!foreign) return false;
  throw Error(ErrorKind::policy, "header " + source->name() + " has something at byte " +
                                     std::to_string(*foreign) +
                                     ", which would be lost; --force overwrites it");
}

void DetachedHeader::put(const LoadedHeader& header, const Warn& warn) const {
  if (has(header)) return;
  if (path_.empty()) {
    edit::HeaderPlace(options_, header, warn).put();
    return;
  }
  edit::NewFile file(path_);
  file.write(edit::backup_image(header));
  file.publish(force_ ? edit::Existing::replaced : edit::Existing::refused);
}

bool DetachedHeader::can_be_flushed() const {
  return !path_.empty() ||
         open_to_write("header", options_.headers.front(), options_.insecure)->can_flush();
}

}  // namespace luksdetached
