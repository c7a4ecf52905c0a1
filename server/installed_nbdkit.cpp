#include "installed_nbdkit.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <string>

#include "base/child_process.h"
#include "base/error.h"

namespace luksdetached {

bool tells_subjects(std::string_view version) noexcept {
  constexpr unsigned since = 42;  // of version 1
  constexpr std::string_view begin = "nbdkit 1.";
  if (!version.starts_with(begin)) return false;
  version.remove_prefix(begin.size());
  unsigned minor = 0;
  std::from_chars(version.data(), version.data() + version.size(), minor);
  return minor >= since;
}

void check_installed_nbdkit(const ServiceConfig& config, std::string_view file) {
  if (!config.subject_rule) return;
  constexpr std::chrono::seconds patience{10};
  Pipe pipe;
  ChildProcess nbdkit({.arguments = {"nbdkit", "--version"}, .output = pipe.writing.get()});
  pipe.writing = FileDescriptor();
  const auto end = nbdkit.wait_until(std::chrono::steady_clock::now() + patience);
  if (!end || !end->good()) {
    throw Error(ErrorKind::source_unreachable,
                "cannot ask nbdkit for its version: it " +
                    (end ? end->text() : std::string("does not end")));
  }
  std::array<char, 128> said{};  // a pipe holds much more, so it need not be read before the end
  const ssize_t bytes = ::read(pipe.reading.get(), said.data(), said.size());
  const std::string_view version(said.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  check_subject_rules(config, file, tells_subjects(version));
}

}  // namespace luksdetached
