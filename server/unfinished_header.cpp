#include "unfinished_header.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
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
#include "source/uri.h"

namespace luksdetached {

namespace {

constexpr std::uint64_t sector_bytes = 512;

}  // namespace

UnfinishedHeader::UnfinishedHeader(ExportOptions options, bool force)
    : options_(std::move(options)), force_(force) {
  std::string& uri = options_.headers.front();
  if (!is_file_place(uri)) {
    is_there_ = edit::find_without_magic(read()).has_value();
    if (!force_ && !is_there_) check_header_place(options_);
    return;
  }
  path_ = parse_uri(uri).path;
  const std::string unfinished = copy::unfinished_path(path_);
  uri = path_uri(unfinished);
  is_there_ = copy::exists(unfinished);
  if (is_there_) copy::check_ours(unfinished);
  if (force_) return;
  if (is_there_) remove_if_finished();
  check_free("header", path_);
}

// All was done but for that.
void UnfinishedHeader::remove_if_finished() const {
  if (!copy::exists(path_)) return;
  const auto found = edit::find_without_magic(read());
  if (!found) return;
  const std::unique_ptr<Source> finished =
      open_to_read("header", path_uri(path_), options_.insecure);
  std::vector<std::byte> image = edit::backup_image(found->header);
  if (finished->size() != image.size()) return;
  std::vector<std::byte> there(image.size());
  finished->read(there, 0);
  if (there == image) ::unlink(copy::unfinished_path(path_).c_str());
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
  if (path_.empty()) {
    // To derive a key takes a while. A larger header would not be overwritten as a whole.
    if (!force_) {
      check_header_place(options_);
    } else {
      edit::remove_magic(*open_to_write("header", options_.headers.front(), options_.insecure));
    }
    // That it may not be durable is said when it is finished.
    edit::HeaderPlace(options_, unfinished, [](const std::string& /*text*/) {}).put();
    return;
  }
  edit::NewFile file(copy::unfinished_path(path_));
  file.write(edit::backup_image(unfinished));
  file.publish(edit::Existing::refused);
}

LoadedHeader UnfinishedHeader::load(std::uint64_t source_bytes) const {
  std::optional<edit::WithoutMagic> found = edit::find_without_magic(read());
  if (!found) {
    throw Error(ErrorKind::usage, "header " + name() +
                                      " is not, or not any more, what an earlier attempt has "
                                      "left: give another place" +
                                      or_begin_anew());
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

void UnfinishedHeader::check_unchanged(const LoadedHeader& header,
                                       std::uint64_t source_bytes) const {
  if (load(source_bytes).image == header.image) return;
  throw Error(ErrorKind::io,
              "header " + name() + ": there is another one now than the data were encrypted with");
}

void UnfinishedHeader::finish(const LoadedHeader& header, const Warn& warn) const {
  if (path_.empty()) {
    edit::HeaderPlace(options_, header, warn).put();
    return;
  }
  edit::NewFile file(path_);
  file.write(edit::backup_image(header));
  file.publish(force_ ? edit::Existing::replaced : edit::Existing::refused);
  const std::string unfinished = copy::unfinished_path(path_);
  ::unlink(unfinished.c_str());
  edit::sync_folder_of(unfinished);
}

}  // namespace luksdetached
