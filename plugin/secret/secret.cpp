#include "secret/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/file_descriptor.h"

namespace luksdetached {

namespace {

Error cannot_read(const std::string& what, int error) {
  return {ErrorKind::source_unreachable, "cannot read " + what + ": " + errno_text(error), error};
}

// Reads up to all of `to`; fewer bytes only at the end of the file.
std::size_t read_fully(int fd, std::span<std::byte> to, const std::string& what) {
  std::size_t have = 0;
  while (have < to.size()) {
    const ssize_t got = read(fd, to.data() + have, to.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw cannot_read(what, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

SecureBuffer grow(const SecureBuffer& old, std::size_t size) {
  SecureBuffer larger(size);
  std::copy_n(old.data(), old.size(), larger.data());
  return larger;
}

void skip(int fd, std::uint64_t bytes, const std::string& what) {
  if (bytes == 0 || lseek(fd, static_cast<off_t>(bytes), SEEK_SET) >= 0) return;
  SecureBuffer scratch(4096);  // a pipe cannot seek
  while (bytes > 0) {
    const std::size_t part = std::min<std::uint64_t>(bytes, scratch.size());
    const std::size_t got = read_fully(fd, scratch.span().first(part), what);
    if (got < part) return;
    bytes -= got;
  }
}

// Everything to the end of the file, but at most `most` bytes.
SecureBuffer read_to_end(int fd, std::uint64_t most, const std::string& what) {
  SecureBuffer bytes(4096);
  std::size_t have = 0;
  for (;;) {
    have += read_fully(fd, bytes.span().subspan(have), what);
    if (have < bytes.size()) break;
    if (have > most) {
      throw Error(ErrorKind::usage, what + " is larger than " + std::to_string(most) + " bytes");
    }
    bytes = grow(bytes, bytes.size() * 2);
  }
  bytes.truncate(have);
  if (have > most) {
    throw Error(ErrorKind::usage, what + " is larger than " + std::to_string(most) + " bytes");
  }
  return bytes;
}

// Switches the echo of a terminal off for a while and shows a prompt.
class Prompt {
 public:
  explicit Prompt(int fd) : fd_(fd), is_terminal_(isatty(fd) == 1 && tcgetattr(fd, &saved_) == 0) {
    if (!is_terminal_) return;
    termios silent = saved_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd_, TCSAFLUSH, &silent);
    say("passphrase: ");
  }
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;
  ~Prompt() {
    if (!is_terminal_) return;
    tcsetattr(fd_, TCSAFLUSH, &saved_);
    say("\n");
  }

 private:
  static void say(std::string_view text) {
    // Nothing depends on whether the prompt was seen.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  }

  int fd_;
  termios saved_{};
  bool is_terminal_;
};

// Byte by byte, so that what follows the line in a pipe stays there.
SecureBuffer read_line(int fd, const std::string& what) {
  constexpr std::size_t most = 4096;
  SecureBuffer line(most);
  std::size_t length = 0;
  for (;;) {
    if (length == most) {
      throw Error(ErrorKind::usage, what + " has a line longer than " + std::to_string(most - 1) +
                                        " bytes; secret= takes larger secrets");
    }
    const std::span<std::byte> next = line.span().subspan(length, 1);
    if (read_fully(fd, next, what) == 0 || next[0] == std::byte{'\n'}) break;
    if (next[0] == std::byte{0}) {
      throw Error(ErrorKind::usage,
                  what + " holds a NUL byte, which no passphrase has; secret= takes any bytes");
    }
    ++length;
  }
  line.truncate(length);
  if (length == 0) throw Error(ErrorKind::usage, what + " is empty");
  return line;
}

FileDescriptor open_for_reading(const std::string& path, const std::string& what) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) throw cannot_read(what, errno);
  return fd;
}

}  // namespace

SecureBuffer read_secret_file(const std::string& path, std::uint64_t offset,
                              std::optional<std::uint64_t> size) {
  const std::string what = "secret file " + path;
  if (size && *size > max_secret_bytes) {
    throw Error(ErrorKind::usage,
                "secret-size= is larger than " + std::to_string(max_secret_bytes) + " bytes");
  }
  const FileDescriptor fd = open_for_reading(path, what);
  skip(fd.get(), offset, what);
  if (!size) {
    SecureBuffer secret = read_to_end(fd.get(), max_secret_bytes, what);
    if (secret.empty()) {
      throw Error(ErrorKind::usage,
                  what + (offset == 0 ? " is empty" : " has no bytes after secret-offset="));
    }
    return secret;
  }
  SecureBuffer secret(*size);
  const std::size_t got = read_fully(fd.get(), secret.span(), what);
  if (got < *size) {
    throw Error(ErrorKind::usage, what + " has only " + std::to_string(got) +
                                      " bytes where secret-offset= and secret-size= ask for " +
                                      std::to_string(*size));
  }
  return secret;
}

SecureBuffer read_passphrase(const PassphraseFrom& from) {
  if (from.kind == PassphraseFrom::Kind::file) {
    const std::string what = "passphrase file " + from.path;
    const FileDescriptor fd = open_for_reading(from.path, what);
    return read_line(fd.get(), what);
  }
  if (from.kind == PassphraseFrom::Kind::standard_input) {
    const Prompt prompt(STDIN_FILENO);
    return read_line(STDIN_FILENO, "the passphrase on standard input");
  }
  const std::string what = "the passphrase on file descriptor " + std::to_string(from.descriptor);
  return read_line(from.descriptor, what);
}

}  // namespace luksdetached
