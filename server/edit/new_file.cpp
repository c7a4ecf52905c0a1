#include "new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "source/uri.h"

namespace luksdetached::edit {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Both return false with errno. Not every file system has both ways not to replace.

bool rename_without_replacing(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (::link(from.c_str(), to.c_str()) != 0) return false;
  ::unlink(from.c_str());
  return true;
}

bool rename_file(const std::string& from, const std::string& to, Existing existing) {
  if (existing == Existing::refused) return rename_without_replacing(from, to);
  return ::rename(from.c_str(), to.c_str()) == 0;
}

[[noreturn]] void cannot(const std::string& doing, const std::string& path, int code) {
  throw Error(ErrorKind::io,
              "cannot " + doing + " " + escape_control(path) + ": " + errno_text(code), code);
}

}  // namespace

void give_name(const std::string& from, const std::string& to, Existing existing) {
  if (!rename_file(from, to, existing)) cannot("make", to, errno);
  sync_folder_of(to);
}

void sync_folder_of(const std::string& path) {
  const FileDescriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) {
    cannot("bring to stable storage the name of", path, errno);
  }
}

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      temporary_(folder_of(path_) + "/." + file_name_of(path_) + ".XXXXXX") {
  file_ = FileDescriptor(::mkostemp(temporary_.data(), O_CLOEXEC));  // with mode 0600
  if (!file_) {
    published_ = true;  // there is nothing to remove
    fail("make", errno);
  }
}

NewFile::~NewFile() {
  if (!published_) ::unlink(temporary_.c_str());
}

void NewFile::fail(const std::string& doing, int code) const {
  cannot(doing, path_, code);
}

void NewFile::write(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written =
        ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", written == 0 ? EIO : errno);
    done += static_cast<std::size_t>(written);
  }
  if (::fsync(file_.get()) != 0) fail("bring to stable storage", errno);
  // What is read now comes from the storage, where the system can do that.
  (void)::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::array<std::byte, 65536> part{};
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(file_.get(), part.data(), std::min(part.size(), bytes.size() - at),
                                static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("read back", got == 0 ? EIO : errno);
    const auto length = static_cast<std::size_t>(got);
    if (!std::equal(part.begin(), part.begin() + got, bytes.begin() + static_cast<ssize_t>(at))) {
      throw Error(ErrorKind::io, "cannot write " + escape_control(path_) +
                                     ": what is read back is not what was written");
    }
    at += length;
  }
}

void NewFile::resize(std::uint64_t bytes) {
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0 || ::fsync(file_.get()) != 0) {
    fail("make", errno);
  }
}

void NewFile::give_to(const Ownership& ownership) {
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) fail("examine", errno);
  const bool same = status.st_uid == ownership.user && status.st_gid == ownership.group;
  const bool given = same || ::fchown(file_.get(), ownership.user, ownership.group) == 0;
  if (given && ::fchmod(file_.get(), ownership.mode & 07777U) == 0) return;
  const int code = errno;
  throw Error(ErrorKind::policy,
              "cannot give the new " + escape_control(path_) +
                  " the owner and the mode of the old one: " + errno_text(code),
              code);
}

void NewFile::publish(Existing existing) {
  if (!rename_file(temporary_, path_, existing)) fail("make", errno);
  published_ = true;
  sync_folder_of(path_);
}

}  // namespace luksdetached::edit
