#include "source/file_source.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "source/holder.h"
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

// Of the kernel's last tick, a few milliseconds ago: known in a fraction of the time that it takes
// to look at the clock itself.
std::chrono::nanoseconds time_of_tick() {
  timespec time = {};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
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
  block_device_ = S_ISBLK(before.st_mode);

  // O_NONBLOCK because a FIFO may have taken the file's place.
  const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (access == Access::read_write) {
    const int exclusive = block_device_ && lock ? O_EXCL : 0;
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | flags | exclusive));
    writable_ = static_cast<bool>(file_);
    if (!writable_ && errno == EBUSY) {
      const std::string holder = find_device_holder(before.st_rdev);
      throw Error(
          ErrorKind::payload_in_use,
          "cannot open " + name_ + " for writing: it is in use: " +
              (holder.empty() ? "mounted, or held by device-mapper or another process" : holder) +
              "; release it first");
    }
    if (!writable_ && !only_readable(errno)) throw unreachable("open", errno);
    // Linux lets root open a read-only device for writing, and fails the writes.
    int read_only = 0;
    if (writable_ && block_device_ && ::ioctl(file_.get(), BLKROGET, &read_only) == 0 &&
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
  if (S_ISBLK(after.st_mode) != block_device_) {
    throw Error(ErrorKind::source_unreachable,
                "cannot open " + name_ + ": it was replaced at the same moment; try again");
  }
  const int status = ::fcntl(file_.get(), F_GETFL);
  if (status == -1 || ::fcntl(file_.get(), F_SETFL, status & ~O_NONBLOCK) == -1) {
    throw unreachable("set up", errno);
  }

  if (writable_ && lock && !block_device_) lock_file(after);
  if (!find_size(size_)) throw unreachable("find the size of", errno);
  int block = 0;
  if (block_device_ && ::ioctl(file_.get(), BLKSSZGET, &block) == 0 && block > 0) {
    discard_unit_ = static_cast<std::uint64_t>(block);
  }
  unsigned short rotational = 0;
  rotational_ =
      block_device_ && ::ioctl(file_.get(), BLKROTATIONAL, &rotational) == 0 && rotational != 0;
}

void FileSource::lock_file(const struct stat& file) const {
  // A loop device does not lock its file, and dm-crypt on a file goes through one.
  const std::string loop = find_loop_device(file);
  if (!loop.empty()) {
    throw Error(ErrorKind::payload_in_use, "cannot write " + name_ + ": it is in use by " + loop +
                                               ", which writes it, too; detach that first");
  }
  // An OFD lock belongs to the open file: it survives nbdkit's fork, and unlike a POSIX lock it is
  // not lost when some other descriptor of the same file is closed. Length 0 is to the end.
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file_.get(), F_OFD_SETLK, &whole) == 0) return;

  const int code = errno;
  if (code == EAGAIN || code == EACCES) {
    const std::string holder = find_lock_holder(file);
    throw Error(ErrorKind::payload_in_use, "cannot write " + name_ + ": " +
                                               (holder.empty() ? "another process" : holder) +
                                               " has it locked; stop that one first");
  }
  throw Error(
      ErrorKind::policy,
      "cannot lock " + name_ + " against a second writer: " + errno_text(code) +
          "; that needs a file system with locks (where nothing else writes a payload, it can "
          "be served with lock=false)",
      code);
}

// False with errno when it cannot be found.
bool FileSource::find_size(std::uint64_t& bytes) const noexcept {
  if (block_device_) return ::ioctl(file_.get(), BLKGETSIZE64, &bytes) == 0;
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) return false;
  bytes = static_cast<std::uint64_t>(status.st_size);
  return true;
}

std::uint64_t FileSource::current_size() {
  std::uint64_t bytes = 0;
  if (find_size(bytes)) return bytes;
  const int code = errno;
  throw Error(ErrorKind::io, "cannot find the size of " + name_ + ": " + errno_text(code), code);
}

// Writing behind the end would make the file longer, with a hole where bytes were lost. Whoever
// shortens it at this very moment can make that happen in any case; so the size of a moment ago
// will do, as to look costs much of a small write. But not near the end: there the file would have
// its old size again.
void FileSource::require_bytes(const char* action, std::uint64_t length, std::uint64_t offset) {
  constexpr std::chrono::milliseconds moment(10);
  constexpr std::uint64_t near_the_end = std::uint64_t{1} << 20;
  if (block_device_) return;
  const auto now = time_of_tick();
  if (now - looked_at_.load(std::memory_order_acquire) < moment &&
      offset + length + near_the_end <= seen_size_.load(std::memory_order_relaxed)) {
    return;
  }
  std::uint64_t bytes = 0;
  if (!find_size(bytes)) return;
  if (bytes < offset + length) fail_short(action, length, offset);
  seen_size_.store(bytes, std::memory_order_relaxed);
  looked_at_.store(now, std::memory_order_release);
}

void FileSource::fail_short(const char* action, std::uint64_t length, std::uint64_t offset) const {
  throw Error(ErrorKind::io,
              std::string("cannot ") + action + " " + std::to_string(length) + " bytes at " +
                  std::to_string(offset) + " of " + name_ + ": it has become shorter",
              EIO);
}

void FileSource::fail_io(const char* action, std::uint64_t length, std::uint64_t offset,
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
    if (done == 0) fail_short("read", wanted, offset);
    to = to.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

ssize_t FileSource::write_once(std::span<const std::byte> from, std::uint64_t offset, int flags) {
  const auto position = static_cast<off_t>(offset);
  // Without flags the simple call, which takes a tenth less for a small write.
  if (flags == 0) return ::pwrite(file_.get(), from.data(), from.size(), position);
  // It does not write to its vector's memory; the type is that of preadv2.
  const iovec vector = {const_cast<std::byte*>(from.data()), from.size()};
  return ::pwritev2(file_.get(), &vector, 1, position, flags);
}

void FileSource::write(std::span<const std::byte> from, std::uint64_t offset,
                       Durability durability) {
  require_bytes("write", from.size(), offset);
  int flags = durability == Durability::durable ? RWF_DSYNC : 0;
  bool flush_after = false;
  while (!from.empty()) {
    const std::size_t wanted = std::min(from.size(), max_transfer);
    const ssize_t done = write_once(from.first(wanted), offset, flags);
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

void FileSource::discard(std::uint64_t length, std::uint64_t offset) {
  // A device takes whole blocks only, and refuses the others as wrong.
  const std::uint64_t begin = (offset + discard_unit_ - 1) / discard_unit_ * discard_unit_;
  const std::uint64_t end = (offset + length) / discard_unit_ * discard_unit_;
  if (begin >= end) return;
  length = end - begin;
  offset = begin;
  int result = 0;
  do {
    if (block_device_) {
      std::uint64_t range[2] = {offset, length};
      result = ::ioctl(file_.get(), BLKDISCARD, range);
    } else {
      result = ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset), static_cast<off_t>(length));
    }
  } while (result != 0 && errno == EINTR);
  // Where the storage has no such thing, nothing is lost by not doing it.
  if (result != 0 && errno != EOPNOTSUPP) fail_io("discard", length, offset, errno);
}

// Descriptors share their position, but lseek does not need it to look for holes: threads do not
// disturb each other, and nobody else uses the position.
std::vector<Extent> FileSource::extents(std::uint64_t length, std::uint64_t offset,
                                        std::size_t most) {
  std::vector<Extent> found;
  const std::uint64_t end = offset + length;
  bool hole = false;
  while (offset < end && found.size() < most) {
    // Where the kind of extent that `offset` is not in begins.
    off_t next = ::lseek(file_.get(), static_cast<off_t>(offset), hole ? SEEK_DATA : SEEK_HOLE);
    if (next < 0) {
      // ENXIO: this kind goes on to the end. The others: it does not know about holes.
      if (errno != ENXIO && errno != EINVAL && errno != EOPNOTSUPP) {
        fail_io("find holes in", length, offset, errno);
      }
      next = static_cast<off_t>(end);
    }
    const std::uint64_t stop = std::clamp(static_cast<std::uint64_t>(next), offset, end);
    if (stop > offset) {
      found.push_back({stop - offset, hole});
    } else if (hole) {
      // Neither a hole nor data begins here: it changes under us, or the file system is broken.
      found.push_back({end - offset, false});
      break;
    }
    offset = stop;
    hole = !hole;
  }
  return found;
}

void FileSource::prefetch(std::uint64_t length, std::uint64_t offset) {
  // Whatever it says: a hint.
  (void)::posix_fadvise(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                        POSIX_FADV_WILLNEED);
}

}  // namespace luksdetached
