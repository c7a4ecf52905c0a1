#include "header_backup.h"

#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "base/error.h"
#include "luks/same_volume.h"
#include "source/file_source.h"
#include "source/uri.h"

namespace luksdetached::edit {

namespace {

// The header in the file; nothing when there is none, or it is damaged.
std::optional<luks::Header> header_in(const std::string& path) {
  FileSource file(path, Access::read_only, false);
  try {
    return load_header(file, HeaderPart::metadata).header;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::io) throw;
    return std::nullopt;
  }
}

Error refuse(const std::string& path, const std::string& why) {
  return {ErrorKind::policy, "cannot write the backup " + escape_control(path) + ": " + why};
}

}  // namespace

std::uint64_t in_whole_pages(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t page = 4096;
  return (bytes + page - 1) / page * page;
}

std::vector<std::byte> backup_image(const LoadedHeader& header) {
  std::vector<std::byte> image = header.image;
  image.resize(header.header.end);
  image.resize(in_whole_pages(header.header.end));
  return image;
}

Existing check_replaceable(const std::string& path, const luks::Header& header, bool force) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) return Existing::refused;
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::usage, "cannot write the backup " + escape_control(path) +
                                      ": it exists and is no regular file");
  }
  const std::optional<luks::Header> there = header_in(path);
  if (there) {
    const std::string difference = luks::volume_difference(*there, header);
    const std::uint64_t offset = there->segment.offset;
    if (offset != 0 && static_cast<std::uint64_t>(status.st_size) > offset) {
      throw refuse(path,
                   "it is an ordinary volume, with data behind its header, which is never "
                   "overwritten; choose another name");
    }
    if (!difference.empty()) {
      throw refuse(path, "it has the header of another volume (" + difference +
                             "), which is never overwritten; choose another name");
    }
  }
  if (force) return Existing::replaced;
  throw refuse(path, there ? "it has a header of this volume already; --force replaces it"
                           : "it exists, and is no backup of a header; --force replaces it");
}

}  // namespace luksdetached::edit
