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

// An option to look for.
struct Option {
  char letter;
  std::array<std::string_view, 2> names;
  std::size_t shortest;  // of what getopt_long takes for the names: a prefix that is unique
  bool takes_value;
};

// Looks through one bundle of short options such as "-fr". Sets `skip_next` when the last one takes
// the next argument as its value.
bool bundle_has(const Option& option, std::string_view bundle, bool& skip_next) {
  for (std::size_t at = 0; at < bundle.size(); ++at) {
    if (bundle[at] == option.letter) return true;
    if (options_with_value.find(bundle[at]) != std::string_view::npos) {
      skip_next = at + 1 == bundle.size();
      return false;
    }
  }
  return false;
}

bool is_long(const Option& option, std::string_view argument) {
  const std::string_view name =
      option.takes_value ? argument.substr(0, argument.find('=')) : argument;
  return name.size() >= option.shortest &&
         std::any_of(option.names.begin(), option.names.end(),
                     [&](std::string_view one) { return one.starts_with(name); });
}

bool has(const Option& option, const std::vector<std::string>& arguments) {
  bool skip = false;
  for (const std::string_view argument : arguments) {
    if (skip) {
      skip = false;
    } else if (argument == "--") {
      return false;
    } else if (argument.starts_with("--")) {
      if (is_long(option, argument)) return true;
      skip = std::find(long_options_with_value.begin(), long_options_with_value.end(), argument) !=
             long_options_with_value.end();
    } else if (argument.size() > 1 && argument.starts_with('-')) {
      if (bundle_has(option, argument.substr(1), skip)) return true;
    }
  }
  return false;
}

}  // namespace

bool asks_for_read_only(const std::vector<std::string>& arguments) {
  return has({'r', {"--read-only", "--readonly"}, std::string_view("--re").size(), false},
             arguments);
}

bool changes_user(const std::vector<std::string>& arguments) {
  return has({'u', {"--user", "--user"}, std::string_view("--us").size(), true}, arguments);
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
