#include "unfinished_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "source/uri.h"

namespace luksdetached::copy {

namespace {

[[noreturn]] void fail(const std::string& doing, const std::string& path) {
  const int code = errno;
  throw Error(ErrorKind::io,
              "cannot " + doing + " " + escape_control(path) + ": " + errno_text(code), code);
}

// What others can open, or have put there, gets nothing.
bool is_ours(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == ::geteuid() &&
         (status.st_mode & 077U) == 0;
}

Error not_left(const std::string& name, const std::string& why) {
  return {ErrorKind::usage, escape_control(name) +
                                " is not what an earlier attempt at this copy has left: " + why +
                                "; remove it to begin anew"};
}

constexpr char not_ours[] = "it is not a file of this user alone";

}  // namespace

std::string unfinished_path(const std::string& path) {
  return path + ".unfinished";
}

bool exists(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) == 0) return true;
  if (errno != ENOENT) fail("examine", path);
  return false;
}

Target make_unfinished(const std::string& path, std::uint64_t bytes) {
  const std::string name = unfinished_path(path);
  const FileDescriptor file(
      ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat status = {};
  if (!file || ::fstat(file.get(), &status) != 0) fail("make", name);
  if (!is_ours(status)) throw not_left(name, not_ours);
  // One that was cut off right after it was made has no bytes yet.
  const auto there = static_cast<std::uint64_t>(status.st_size);
  if (there != 0 && there != bytes) {
    throw not_left(
        name, "it has " + std::to_string(there) + " bytes instead of " + std::to_string(bytes));
  }
  if (there == bytes) return Target::earlier;
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 || ::fsync(file.get()) != 0) {
    fail("make", name);
  }
  edit::sync_folder_of(name);
  return Target::zeros;
}

void check_ours(const std::string& name) {
  struct stat status = {};
  if (::lstat(name.c_str(), &status) != 0) fail("examine", name);
  if (!is_ours(status)) throw not_left(name, not_ours);
}

void finish(const std::string& path, edit::Existing existing) {
  edit::give_name(unfinished_path(path), path, existing);
}

}  // namespace luksdetached::copy
