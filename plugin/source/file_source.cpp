#include "source/file_source.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

// Linux transfers at most 2 GiB less a page at once; a round number below it.
constexpr std::size_t max_transfer = std::size_t{1} << 30;

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "something else";
}

void require_storage(const std::string& name, mode_t mode) {
  if (S_ISREG(mode) || S_ISBLK(mode)) return;
  throw Error(
      ErrorKind::source_unreachable,
      "cannot use " + name + ": it is " + kind_of(mode) + ", not a regular file or a block device",
      EINVAL);
}

bool only_readable(int code) {
  return code == EACCES || code == EROFS || code == EPERM;
}

}  // namespace

FileSource::FileSource(const std::string& path, Access access, bool lock)
    : path_(path), name_(escape_control(path)) {
  open(access, lock);
}

void FileSource::open(Access access, bool lock) {
  const auto unreachable = [this](const char* action, int code) {
    return Error(ErrorKind::source_unreachable,
                 std::string("cannot ") + action + " " + name_ + ": " + errno_text(code), code);
  };

  // Looked at before it is opened: opening a device may already do something, and whether it is a
  // block device decides how it is locked.
  struct stat before = {};
  if (::stat(path_.c_str(), &before) != 0) throw unreachable("open", errno);
  require_storage(name_, before.st_mode);
  const bool block_device = S_ISBLK(before.st_mode);

  // O_NONBLOCK because a FIFO may have taken the file's place.
  const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (access == Access::read_write) {
    const int exclusive = block_device && lock ? O_EXCL : 0;
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | flags | exclusive));
    writable_ = static_cast<bool>(file_);
    if (!writable_ && errno == EBUSY) {
      throw Error(ErrorKind::payload_in_use,
                  "cannot open " + name_ +
                      " for writing: it is mounted, or device-mapper or another process holds it; "
                      "release it first");
    }
    if (!writable_ && !only_readable(errno)) throw unreachable("open", errno);
    // Linux lets root open a read-only device for writing, and fails the writes.
    int read_only = 0;
    if (writable_ && block_device && ::ioctl(file_.get(), BLKROGET, &read_only) == 0 &&
        read_only != 0) {
      writable_ = false;
      file_ = FileDescriptor();
    }
  }
  if (!writable_) {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | flags));
    if (!file_) throw unreachable("open", errno);
  }

  struct stat after = {};
  if (::fstat(file_.get(), &after) != 0) throw unreachable("examine", errno);
  require_storage(name_, after.st_mode);
  if (S_ISBLK(after.st_mode) != block_device) {
    throw Error(ErrorKind::source_unreachable,
                "cannot open " + name_ + ": it was replaced at the same moment; try again");
  }
  const int status = ::fcntl(file_.get(), F_GETFL);
  if (status == -1 || ::fcntl(file_.get(), F_SETFL, status & ~O_NONBLOCK) == -1) {
    throw unreachable("set up", errno);
  }

  if (writable_ && lock && !block_device) lock_file();
  size_ = find_size(block_device);
}

void FileSource::lock_file() const {
  // An OFD lock belongs to the open file: it survives nbdkit's fork, and unlike a POSIX lock it is
  // not lost when some other descriptor of the same file is closed. Length 0 is to the end.
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file_.get(), F_OFD_SETLK, &whole) == 0) return;

  const int code = errno;
  if (code == EAGAIN || code == EACCES) {
    struct flock holder = whole;
    const bool known = ::fcntl(file_.get(), F_OFD_GETLK, &holder) == 0 &&
                       holder.l_type != F_UNLCK && holder.l_pid > 0;
    throw Error(ErrorKind::payload_in_use,
                "cannot write " + name_ + ": " +
                    (known ? "process " + std::to_string(holder.l_pid) : "another process") +
                    " has it locked; stop that one first, or open this one read-only (nbdkit -r)");
  }
  throw Error(ErrorKind::policy,
              "cannot lock " + name_ + " against a second writer: " + errno_text(code) +
                  "; if the file system has no locks and nothing else writes the file, lock=false "
                  "allows it",
              code);
}

std::uint64_t FileSource::find_size(bool block_device) const {
  std::uint64_t bytes = 0;
  bool known = false;
  if (block_device) {
    known = ::ioctl(file_.get(), BLKGETSIZE64, &bytes) == 0;
  } else {
    struct stat status = {};
    known = ::fstat(file_.get(), &status) == 0;
    bytes = static_cast<std::uint64_t>(status.st_size);
  }
  if (!known) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable,
                "cannot find the size of " + name_ + ": " + errno_text(code), code);
  }
  return bytes;
}

void FileSource::fail_io(const char* action, std::size_t length, std::uint64_t offset,
                         int code) const {
  throw Error(ErrorKind::io,
              std::string("cannot ") + action + " " + std::to_string(length) + " bytes at " +
                  std::to_string(offset) + " of " + name_ + ": " + errno_text(code),
              code);
}

void FileSource::read(std::span<std::byte> to, std::uint64_t offset) {
  while (!to.empty()) {
    const std::size_t wanted = std::min(to.size(), max_transfer);
    const ssize_t done = ::pread(file_.get(), to.data(), wanted, static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail_io("read", wanted, offset, errno);
    }
    if (done == 0) {
      throw Error(ErrorKind::io,
                  "cannot read " + std::to_string(wanted) + " bytes at " + std::to_string(offset) +
                      " of " + name_ + ": it is shorter than when it was opened (" +
                      std::to_string(size_) + " bytes)",
                  EIO);
    }
    to = to.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void FileSource::write(std::span<const std::byte> from, std::uint64_t offset,
                       Durability durability) {
  int flags = durability == Durability::durable ? RWF_DSYNC : 0;
  bool flush_after = false;
  while (!from.empty()) {
    const std::size_t wanted = std::min(from.size(), max_transfer);
    // pwritev2 does not write to its vector's memory; the type is that of preadv2.
    const iovec vector = {const_cast<std::byte*>(from.data()), wanted};
    const ssize_t done = ::pwritev2(file_.get(), &vector, 1, static_cast<off_t>(offset), flags);
    if (done < 0) {
      if (errno == EINTR) continue;
      if (flags != 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS)) {
        flags = 0;
        flush_after = true;
        continue;
      }
      fail_io("write", wanted, offset, errno);
    }
    if (done == 0) fail_io("write", wanted, offset, EIO);
    from = from.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  if (flush_after) flush();
}

void FileSource::flush() {
  int result = 0;
  do {
    result = ::fdatasync(file_.get());
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    const int code = errno;
    throw Error(ErrorKind::io, "cannot flush " + name_ + " to its storage: " + errno_text(code),
                code);
  }
}

}  // namespace luksdetached
