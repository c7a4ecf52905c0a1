#include "command_line.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string_view>

namespace luksdetached {

namespace {

// nbdkit's short options that take a value, which may be the next argument (nbdkit(1)).
constexpr std::string_view options_with_value = "DegiPptuU";

// The same of its long options.
constexpr std::array<std::string_view, 21> long_options_with_value{
    "--debug",          "--export",  "--export-name",
    "--exportname",     "--filter",  "--group",
    "--ip-addr",        "--ipaddr",  "--log",
    "--mask-handshake", "--pidfile", "--pid-file",
    "--port",           "--run",     "--selinux-label",
    "--threads",        "--tls",     "--tls-certificates",
    "--tls-psk",        "--unix",    "--user"};

// Looks through one bundle of short options such as "-fr". Sets `skip_next` when the last one takes
// the next argument as its value.
bool bundle_has_r(std::string_view bundle, bool& skip_next) {
  for (std::size_t at = 0; at < bundle.size(); ++at) {
    if (bundle[at] == 'r') return true;
    if (options_with_value.find(bundle[at]) != std::string_view::npos) {
      skip_next = at + 1 == bundle.size();
      return false;
    }
  }
  return false;
}

}  // namespace

bool asks_for_read_only(const std::vector<std::string>& arguments) {
  bool skip = false;
  for (const std::string_view argument : arguments) {
    if (skip) {
      skip = false;
    } else if (argument == "--") {
      return false;
    } else if (argument.starts_with("--")) {
      // getopt_long takes any prefix that is unique.
      const bool long_enough = argument.size() >= std::string_view("--re").size();
      const bool read_only = std::string_view("--read-only").starts_with(argument) ||
                             std::string_view("--readonly").starts_with(argument);
      if (long_enough && read_only) return true;
      skip = std::find(long_options_with_value.begin(), long_options_with_value.end(), argument) !=
             long_options_with_value.end();
    } else if (argument.size() > 1 && argument.starts_with('-')) {
      if (bundle_has_r(argument.substr(1), skip)) return true;
    }
  }
  return false;
}

std::vector<std::string> process_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) {
    arguments.push_back(std::move(argument));
  }
  if (!arguments.empty()) arguments.erase(arguments.begin());
  return arguments;
}

}  // namespace luksdetached
