#include "header_place.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <span>
#include <utility>

#include "base/error.h"
#include "edited_header.h"
#include "forget_cached.h"
#include "header_backup.h"
#include "luks/same_volume.h"
#include "new_file.h"
#include "source/file_source.h"
#include "source/uri.h"
#include "write_plan.h"

namespace luksdetached::edit {

namespace {

constexpr std::size_t sector_bytes = 512;

bool is_there(const std::string& path, struct stat& status) {
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  throw Error(ErrorKind::source_unreachable,
              "cannot examine " + escape_control(path) + ": " + errno_text(errno), errno);
}

// A link stays a link: what it points to is replaced.
std::string followed(const std::string& path) {
  char* const real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result = real;
  std::free(real);  // NOLINT(cppcoreguidelines-no-malloc): realpath's
  return result;
}

std::span<const std::byte> sector_at(std::span<const std::byte> bytes, std::size_t offset) {
  if (offset >= bytes.size()) return {};
  return bytes.subspan(offset, std::min(sector_bytes, bytes.size() - offset));
}

// Is every sector of `bytes` that of `one` or that of `other`?
bool is_mixture(std::span<const std::byte> bytes, std::span<const std::byte> one,
                std::span<const std::byte> other) {
  for (std::size_t at = 0; at < bytes.size(); at += sector_bytes) {
    const auto now = sector_at(bytes, at);
    if (!std::ranges::equal(now, sector_at(one, at)) &&
        !std::ranges::equal(now, sector_at(other, at))) {
      return false;
    }
  }
  return true;
}

std::vector<std::byte> content(const std::string& path) {
  FileSource file(path, Access::read_only, false);
  std::vector<std::byte> bytes(std::min(file.size(), luks::max_header_bytes));
  file.read(bytes, 0);
  return bytes;
}

}  // namespace

HeaderPlace::HeaderPlace(const ExportOptions& options, const LoadedHeader& header, const Warn& warn)
    : header_(header), uri_(options.headers.front()) {
  const Uri parsed = parse_uri(uri_);
  name_ = parsed.name;
  struct stat status = {};
  if (parsed.scheme == Scheme::path) {
    path_ = followed(parsed.path);
    if (!is_there(path_, status)) return;
  }
  source_ = open_for_writing(options, uri_, warn);
  examine();
  // An ordinary volume has its data in the file, a file with several names would become two.
  const std::uint64_t header_end =
      std::max(header_.header.end, current_ ? current_->end : std::uint64_t{0});
  in_place_ = !S_ISREG(status.st_mode) || status.st_nlink > 1 ||
              source_->size() > in_whole_pages(header_end);
  if (in_place_ && source_->size() < header_.header.end) {
    throw Error(ErrorKind::usage, "cannot write header " + name_ + ": its place has " +
                                      std::to_string(source_->size()) + " bytes, the header has " +
                                      std::to_string(header_.header.end));
  }
}

void HeaderPlace::examine() {
  std::uint64_t wanted = header_.header.end;
  try {
    current_ = load_header(*source_, HeaderPart::whole, HeaderAdvice::none).header;
    wanted = std::max(wanted, current_->end);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::io) throw;
    damage_ = error.what();
  }
  image_.resize(std::min(wanted, source_->size()));
  source_->read(image_, 0);
}

bool HeaderPlace::has_it() const noexcept {
  const std::span<const std::byte> wanted = std::span(header_.image).first(header_.header.end);
  return image_.size() >= wanted.size() &&
         std::ranges::equal(std::span(image_).first(wanted.size()), wanted);
}

std::string HeaderPlace::usual_keep_path(std::chrono::system_clock::time_point now) const {
  if (source_ == nullptr) return {};
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm parts = {};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  const std::string first = path_ + ".old-" + text;
  std::string path = first;
  struct stat status = {};
  for (unsigned n = 2; is_there(path, status); ++n) path = first + "-" + std::to_string(n);
  return path;
}

void HeaderPlace::check_same_volume() const {
  if (source_ == nullptr) return;
  if (!current_) {
    throw Error(ErrorKind::policy,
                "there is no intact header that could be compared with the backup: " + damage_ +
                    "; --force restores it all the same, if this is the right place");
  }
  const std::string difference = luks::volume_difference(header_.header, *current_);
  if (difference.empty()) return;
  throw Error(ErrorKind::policy, "the backup is of another volume than header " + name_ + ": " +
                                     difference +
                                     "; with it the data cannot be read; --force "
                                     "restores it all the same");
}

void HeaderPlace::keep(const std::string& path) const {
  struct stat status = {};
  if (is_there(path, status)) {
    // Not one that is half of the backup already.
    if (is_mixture(image_, content(path), header_.image)) return;
    throw Error(ErrorKind::policy, "cannot keep the old header in " + escape_control(path) +
                                       ": that exists and has something else; choose another name");
  }
  std::vector<std::byte> whole_pages = image_;
  whole_pages.resize(in_whole_pages(image_.size()));
  NewFile file(path);
  file.write(whole_pages);
  file.publish(Existing::refused);
}

void HeaderPlace::put() {
  if (in_place_) {
    const std::span<const std::byte> now = std::span(image_).first(header_.header.end);
    const std::span<const std::byte> after = std::span(header_.image).first(header_.header.end);
    carry_out(plan_writes(now, current(), after, header_.header), *source_);
    forget_cached(uri_);
    std::vector<std::byte> stored(after.size());
    source_->read(stored, 0);
    if (std::ranges::equal(stored, after)) return;
    throw Error(ErrorKind::io, "header " + name_ + ": what was written is not what is read back");
  }
  NewFile file(path_);
  file.write(backup_image(header_));
  struct stat status = {};
  const bool replaces = source_ != nullptr;
  if (replaces && is_there(path_, status)) {
    file.give_to({status.st_uid, status.st_gid, status.st_mode});
  }
  file.publish(replaces ? Existing::replaced : Existing::refused);
}

}  // namespace luksdetached::edit
