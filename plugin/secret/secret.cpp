#include "secret/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "secret/growing_secret.h"
#include "secret/terminal_prompt.h"

namespace luksdetached {

namespace {

Error cannot_read(const std::string& what, int error) {
  return {ErrorKind::source_unreachable, "cannot read " + what + ": " + errno_text(error), error};
}

// Reads up to all of `to`; fewer bytes only at the end of the file.
std::size_t read_fully(int fd, std::span<std::byte> to, const std::string& what) {
  std::size_t have = 0;
  while (have < to.size()) {
    const std::size_t got = read_part(fd, to.subspan(have), what);
    if (got == 0) break;
    have += got;
  }
  return have;
}

void skip(int fd, std::uint64_t bytes, const std::string& what) {
  if (bytes == 0 || lseek(fd, static_cast<off_t>(bytes), SEEK_CUR) >= 0) return;
  SecureBuffer scratch(4096);  // a pipe cannot seek
  while (bytes > 0) {
    const std::size_t part = std::min<std::uint64_t>(bytes, scratch.size());
    const std::size_t got = read_fully(fd, scratch.span().first(part), what);
    if (got < part) return;
    bytes -= got;
  }
}

SecureBuffer read_to_end(int fd, const std::string& what) {
  GrowingSecret secret(what);
  while (secret.read_from(fd)) {
  }
  return std::move(secret).take();
}

// Byte by byte, so that what follows the line in a pipe stays there.
SecureBuffer read_line(int fd, const std::string& what) {
  constexpr std::size_t most = 4096;
  SecureBuffer line(most);
  std::size_t length = 0;
  for (;;) {
    if (length == most) {
      throw Error(ErrorKind::usage, what + " has a line longer than " + std::to_string(most - 1) +
                                        " bytes; what is larger is given as a secret");
    }
    const std::span<std::byte> next = line.span().subspan(length, 1);
    if (read_fully(fd, next, what) == 0 || next[0] == std::byte{'\n'}) break;
    if (next[0] == std::byte{0}) {
      throw Error(ErrorKind::usage,
                  what + " holds a NUL byte, which no passphrase has; a secret may be any bytes");
    }
    ++length;
  }
  line.truncate(length);
  if (length == 0) throw Error(ErrorKind::usage, what + " is empty");
  return line;
}

// Opens a file whose contents nobody else should know.
FileDescriptor open_secret(const std::string& path, const std::string& what, const Warn& warn) {
  // Of a FIFO it is waited for who writes; not for ever, which the kernel would do.
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) throw cannot_read(what, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) throw cannot_read(what, errno);
  if (S_ISREG(info.st_mode) && (info.st_mode & S_IROTH) != 0) {
    warn(what + " can be read by every user of this machine (chmod o= takes that away)");
  }
  if (S_ISFIFO(info.st_mode)) await_bytes(fd.get(), what);
  return fd;
}

// What may have been meant by the name of a file that is not there.
std::string meant_by(std::string_view path) {
  if (path.starts_with('+')) return "; +FILE is how a passphrase is given, not a secret";
  if (path == "token") return "; the tokens of the volume are given by token:";
  if (path.starts_with("file:")) return "; give the path alone";
  return {};
}

FileDescriptor open_secret_file(const std::string& path, const std::string& what,
                                const Warn& warn) {
  try {
    return open_secret(path, what, warn);
  } catch (const Error& error) {
    if (error.errno_code() != ENOENT) throw;
    throw Error(error.kind(), error.what() + meant_by(path), ENOENT);
  }
}

Error too_short(const std::string& what, std::uint64_t has, std::uint64_t wanted) {
  return {ErrorKind::usage, what + " has only " + std::to_string(has) +
                                " bytes where its offset and size ask for " +
                                std::to_string(wanted)};
}

Error nothing_in(const std::string& what, std::uint64_t offset) {
  return {ErrorKind::usage,
          what + (offset == 0 ? " is empty" : " has no bytes after the offset that was asked for")};
}

SecureBuffer read_range(int fd, const SecretRange& range, const std::string& what) {
  skip(fd, range.offset, what);
  if (!range.size) {
    SecureBuffer secret = read_to_end(fd, what);
    if (secret.empty()) throw nothing_in(what, range.offset);
    return secret;
  }
  SecureBuffer secret(*range.size);
  const std::size_t got = read_fully(fd, secret.span(), what);
  if (got < *range.size) throw too_short(what, got, *range.size);
  return secret;
}

// The same of bytes that are there already.
SecureBuffer cut(SecureBuffer bytes, const SecretRange& range, const std::string& what) {
  if (range.offset == 0 && !range.size) return bytes;
  const std::uint64_t has = bytes.size() - std::min<std::uint64_t>(range.offset, bytes.size());
  const std::uint64_t size = range.size.value_or(has);
  if (size == 0) throw nothing_in(what, range.offset);
  if (size > has) throw too_short(what, has, size);
  SecureBuffer part(size);
  std::copy_n(bytes.data() + range.offset, size, part.data());
  return part;
}

SecureBuffer read_standard_input(const SecretRange& range) {
  if (isatty(STDIN_FILENO) == 1) {
    throw Error(ErrorKind::usage,
                "the secret on standard input would be typed on a terminal, which shows it: give a "
                "passphrase instead, which is asked for");
  }
  return read_range(STDIN_FILENO, range, "the secret on standard input");
}

SecureBuffer read_credential(const std::string& name, const SecretRange& range, const Warn& warn) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this process changes the environment
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0') {
    throw Error(ErrorKind::source_unreachable,
                "cannot read credential " + name +
                    ": the variable CREDENTIALS_DIRECTORY is not set; systemd sets it for units "
                    "with LoadCredential= and the like");
  }
  const std::string what = "credential " + name + " in " + folder;
  return read_range(open_secret(std::string(folder) + "/" + name, what, warn).get(), range, what);
}

SecureBuffer read_program(const SecretFrom& from, const SecretRange& range, const Warn& warn) {
  SecretProgram program{.what = "secret program " + from.path};
  program.arguments.push_back(from.path);
  program.arguments.insert(program.arguments.end(), from.arguments.begin(), from.arguments.end());
  return cut(read_secret_program(program, warn), range, "what " + program.what + " writes");
}

}  // namespace

SecureBuffer read_secret(const SecretFrom& from, const SecretRange& range, const Warn& warn) {
  if (range.size && *range.size > max_secret_bytes) {
    throw Error(ErrorKind::usage, "a secret of " + std::to_string(*range.size) +
                                      " bytes was asked for, and it has at most " +
                                      std::to_string(max_secret_bytes));
  }
  switch (from.kind) {
    case SecretFrom::Kind::file: {
      const std::string what = "secret file " + from.path;
      return read_range(open_secret_file(from.path, what, warn).get(), range, what);
    }
    case SecretFrom::Kind::descriptor:
      return read_range(from.descriptor, range,
                        "the secret on file descriptor " + std::to_string(from.descriptor));
    case SecretFrom::Kind::standard_input:
      return read_standard_input(range);
    case SecretFrom::Kind::credential:
      return read_credential(from.credential, range, warn);
    case SecretFrom::Kind::program:
      return read_program(from, range, warn);
    case SecretFrom::Kind::tokens:
      break;
  }
  throw Error(ErrorKind::usage, "a token has its secret only together with its header");
}

SecureBuffer read_passphrase(const PassphraseFrom& from, const Warn& warn,
                             std::string_view prompt) {
  if (from.kind == PassphraseFrom::Kind::file) {
    const std::string what = "passphrase file " + from.path;
    const FileDescriptor fd = open_secret(from.path, what, warn);
    return read_line(fd.get(), what);
  }
  if (from.kind == PassphraseFrom::Kind::standard_input) {
    const TerminalPrompt silent(STDIN_FILENO, prompt);
    return read_line(STDIN_FILENO, "the passphrase on standard input");
  }
  const std::string what = "the passphrase on file descriptor " + std::to_string(from.descriptor);
  return read_line(from.descriptor, what);
}

}  // namespace luksdetached
