#include "source/child_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "base/error.h"

namespace luksdetached {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// For a qcow2 image to be closed, which writes what QEMU has gathered; for an image of Ceph to be
// given back.
constexpr seconds patience_at_the_end{30};
// What a child says is written before it closes its connection; its end takes a little.
constexpr milliseconds patience_for_words{500};
constexpr seconds patience_for_inspection{30};
constexpr std::size_t longest_inspection = 1 << 20;

// A file in memory that holds `text` and a newline.
FileDescriptor file_with_line(const std::string& text) {
  FileDescriptor file(::memfd_create("credential", MFD_CLOEXEC));
  const std::string line = text + "\n";
  if (!file || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    const int code = errno;
    throw Error(ErrorKind::source_unreachable,
                "cannot pass a credential to a child server: " + errno_text(code), code);
  }
  return file;
}

// All that `pipe` gives until its end; what is there when it gives no more in time.
std::string read_all(const FileDescriptor& pipe, steady_clock::time_point deadline) {
  std::string text;
  std::vector<char> part(64 << 10);
  while (text.size() < longest_inspection) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd readable = {pipe.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) break;
    const ssize_t got = ::read(pipe.get(), part.data(), part.size());
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

ChildServer::ChildServer(const Uri& uri, Access access, bool insecure, unsigned connections,
                         Tell tell)
    : uri_(uri),
      command_(child_server_command(uri, access, insecure, connections)),
      tell_(std::move(tell)),
      directory_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

ChildServer::~ChildServer() {
  stop();
}

void ChildServer::restart() {
  stop();
  log_ = std::make_unique<ChildLog>();
  if (!command_.inspect.empty()) refuse_what_refers_elsewhere();

  listener_.emplace();
  std::vector<FileDescriptor> credentials;
  ChildCommand command{
      .arguments = command_.arguments, .inherited = {listener_->descriptor()}, .listens = true};
  for (const std::string& credential : command_.credentials) {
    credentials.push_back(file_with_line(credential));
    command.inherited.push_back(credentials.back().get());
  }
  child_ = run(std::move(command));
  log_->close_writing();
  listener_->hand_over();
  if (logging_) pass_log_on();
}

std::unique_ptr<ChildProcess> ChildServer::run(ChildCommand command) {
  command.error = log_->writing();
  command.directory = directory_.get();
  command.keeps_death_signal = true;
  const std::string program = command.arguments.front();
  try {
    return std::make_unique<ChildProcess>(command);
  } catch (const Error& error) {
    const std::string advice =
        error.errno_code() == ENOENT
            ? "; install " + program + ", on Debian it is in the package " + command_.package
            : "";
    throw Error(error.kind(), uri_.name + " needs a child server: " + error.what() + advice,
                error.errno_code());
  }
}

void ChildServer::refuse_what_refers_elsewhere() {
  Pipe output;
  const auto deadline = steady_clock::now() + patience_for_inspection;
  const auto inspection = run({.arguments = command_.inspect, .output = output.writing.get()});
  output.writing = FileDescriptor();
  const std::string text = read_all(output.reading, deadline);
  const auto end = inspection->wait_until(deadline);
  if (!end || !end->good()) {
    log_->close_writing();
    const std::string reason = last_words();
    throw Error(ErrorKind::source_unreachable, "cannot open " + uri_.name + ": " +
                                                   (!end             ? "qemu-img does not end"
                                                    : reason.empty() ? end->text()
                                                                     : reason));
  }
  const std::string found = refers_to(text);
  if (found.empty()) return;
  throw Error(ErrorKind::policy,
              "refusing to open " + uri_.name + ": the image has " + found +
                  ", so that whoever made it chooses what else is opened; convert it into an image "
                  "of its own with qemu-img convert");
}

FileDescriptor ChildServer::connect() const {
  return listener_ ? listener_->connect() : FileDescriptor();
}

std::string ChildServer::last_words() {
  if (!log_) return {};
  const auto lines = log_->last_lines(patience_for_words);
  for (const std::string& line : lines) {
    std::string advice = child_server_advice(line);
    if (!advice.empty()) return advice;
  }
  if (!lines.empty()) return scrub(uri_, lines.back());
  const auto end = child_ ? child_->wait_until(steady_clock::now()) : std::nullopt;
  return end ? command_.arguments.front() + " " + end->text() : std::string();
}

void ChildServer::start_logging() {
  logging_ = true;
  if (log_) pass_log_on();
}

void ChildServer::pass_log_on() {
  log_->start([this](const std::string& line) { tell_(uri_.name + ": " + scrub(uri_, line)); });
}

void ChildServer::stop() noexcept {
  if (child_) child_->end(patience_at_the_end);
  child_.reset();
  listener_.reset();
  log_.reset();
}

}  // namespace luksdetached
