#include "secret/secret_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/child_process.h"
#include "base/error.h"
#include "base/utf8.h"
#include "secret/growing_secret.h"

namespace luksdetached {

namespace {

using Clock = std::chrono::steady_clock;

// What a program says on its standard error, for the log.
class Complaints {
 public:
  Complaints(const std::string& what, const Warn& warn) : what_(what), warn_(warn) {}

  /// Reads once from `fd`, waiting for something to come. False at the end.
  bool read_from(int fd) {
    std::array<char, 4096> part{};
    const std::size_t got = read_part(fd, std::as_writable_bytes(std::span(part)), what_);
    for (const char c : std::string_view(part.data(), got)) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < max_line_bytes) {
        line_ += c;
      }
    }
    return got > 0;
  }

  /// There is nothing more: also a line without an end is one.
  void end_line() {
    std::string text = shown(std::exchange(line_, {}));
    if (text.empty()) return;
    last_ = std::move(text);
    if (++lines_ <= max_lines) warn_(what_ + " says: " + last_);
    if (lines_ == max_lines) warn_(what_ + " may say more, which is left out");
  }

  /// "; it said: …", or nothing.
  std::string last() const { return last_.empty() ? "" : "; it said: " + last_; }

 private:
  static constexpr std::size_t max_line_bytes = 300;
  static constexpr unsigned max_lines = 20;

  static std::string shown(std::string_view text) {
    std::string result;
    while (!text.empty()) {
      const std::size_t size = shown_character_bytes(text);
      result += size == 0 ? "?" : text.substr(0, size);
      text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return result;
  }

  const std::string& what_;
  const Warn& warn_;
  std::string line_;
  std::string last_;
  unsigned lines_ = 0;
};

// A file without a name that holds `bytes`: what a program reads from it needs nobody to write it
// meanwhile. None of it is secret.
FileDescriptor file_with(std::span<const std::byte> bytes) {
  FileDescriptor file(::memfd_create("input", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(bytes.size());
  if (!file || ::pwrite(file.get(), bytes.data(), bytes.size(), 0) != size) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable, "cannot make a file in memory: " + errno_text(code),
                code);
  }
  return file;
}

ChildProcess start(const SecretProgram& program, int output, int error) {
  const FileDescriptor input = program.input.empty() ? FileDescriptor() : file_with(program.input);
  try {
    return ChildProcess(
        {.arguments = program.arguments, .input = input.get(), .output = output, .error = error});
  } catch (const Error& failure) {
    const bool may_have_meant_arguments = failure.errno_code() == ENOENT &&
                                          program.arguments.size() == 1 &&
                                          program.arguments.front().find(' ') != std::string::npos;
    throw Error(failure.kind(),
                "cannot run " + program.what + ": " + errno_text(failure.errno_code()) +
                    (may_have_meant_arguments
                         ? "; it takes no arguments here (in a config file an array gives them)"
                         : ""),
                failure.errno_code());
  }
}

// Is there something to read, or an end to see? Waits until `deadline` for the ones of `files` that
// are not -1.
template <std::size_t n>
std::array<bool, n> wait_for(const std::array<int, n>& files, Clock::time_point deadline) {
  std::array<pollfd, n> waited{};
  for (std::size_t i = 0; i < n; ++i) waited[i] = {files[i], POLLIN, 0};
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  std::array<bool, n> ready{};
  const int count =
      ::poll(waited.data(), n, static_cast<int>(std::clamp<long long>(left, 0, 1000)));
  if (count <= 0) return ready;
  for (std::size_t i = 0; i < n; ++i) ready[i] = waited[i].revents != 0;
  return ready;
}

void close(Pipe& pipe) {
  pipe.reading = FileDescriptor();
}

}  // namespace

SecureBuffer read_secret_program(const SecretProgram& program, const Warn& warn) {
  const Clock::time_point deadline = Clock::now() + program.limit;
  Pipe output;
  Pipe error;
  ChildProcess child = start(program, output.writing.get(), error.writing.get());
  output.writing = FileDescriptor();
  error.writing = FileDescriptor();

  GrowingSecret secret("what " + program.what + " writes");
  Complaints complaints(program.what, warn);
  bool runs = true;
  // What it has started itself may hold the pipes after its end.
  while (runs) {
    const auto [has_output, has_error, has_ended] =
        wait_for<3>({output.reading.get(), error.reading.get(), child.end_event()}, deadline);
    if (has_output && !secret.read_from(output.reading.get())) close(output);
    if (has_error && !complaints.read_from(error.reading.get())) close(error);
    if (!has_output && !has_error && has_ended) runs = false;
    if (runs && Clock::now() >= deadline) {
      complaints.end_line();
      throw Error(
          ErrorKind::source_unreachable,
          program.what + " did not end within " +
              std::to_string(std::chrono::ceil<std::chrono::seconds>(program.limit).count()) +
              " seconds and was killed" + complaints.last(),
          ETIMEDOUT);
    }
  }
  complaints.end_line();
  const ChildEnd end = child.wait_until(Clock::time_point::max()).value_or(ChildEnd{});
  if (!end.good()) {
    throw Error(ErrorKind::source_unreachable, program.what + " " + end.text() + complaints.last());
  }
  SecureBuffer bytes = std::move(secret).take();
  if (bytes.empty()) {
    throw Error(ErrorKind::usage, program.what + " wrote nothing" + complaints.last());
  }
  return bytes;
}

}  // namespace luksdetached
