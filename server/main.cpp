// The program: reads its command line, runs one command, turns failures into exit statuses.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "base/option_text.h"
#include "command_line.h"
#include "commands.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "interruption.h"
#include "source/uri.h"

namespace {

using namespace luksdetached;

int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return exit_usage;
    case ErrorKind::wrong_secret:
      return exit_wrong_secret;
    case ErrorKind::unsupported:
    case ErrorKind::policy:
      return exit_not_supported;
    case ErrorKind::source_unreachable:
    case ErrorKind::not_luks:
    case ErrorKind::header_damaged:
    case ErrorKind::key_derivation:
    case ErrorKind::payload_too_small:
    case ErrorKind::payload_in_use:
    case ErrorKind::io:
      return exit_refused;
  }
  return exit_refused;
}

int fail(const char* message, int status) {
  std::fprintf(stderr, "luksdetached: %s\n", escape_control(message).c_str());
  return status;
}

int run(int argc, char** argv) {
  option_style() = OptionStyle::command_line;
  const Action action = read_command_line(argc, argv);
  const int status = action();
  // What a script did not get it must not take for the answer.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::runtime_error("cannot write to standard output: " + errno_text(errno));
  }
  return status;
}

int run_or_say_why_not(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const ConfigError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_usage;
  } catch (const OptionError& error) {
    return fail(error.what(), exit_usage);
  } catch (const Error& error) {
    return fail(error.what(), exit_status(error.kind()));
  } catch (const std::bad_alloc&) {
    return fail("out of memory", exit_refused);
  } catch (const std::exception& error) {
    return fail(error.what(), exit_refused);
  }
}

}  // namespace

int main(int argc, char** argv) {
  // A file that may not grow as large (ulimit -f) is an error like a full disk.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const int status = run_or_say_why_not(argc, argv);
  if (status != luksdetached::exit_done) luksdetached::Interruption::end_process();
  return status;
}
