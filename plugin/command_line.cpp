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

// What one bundle of short options such as "-fr" has of an option.
struct InBundle {
  bool found = false;
  std::string_view value;   // of the option that was found, as far as it is here
  bool takes_next = false;  // the value of the last one is the next argument
};

InBundle look_into(const Option& option, std::string_view bundle) {
  for (std::size_t at = 0; at < bundle.size(); ++at) {
    const std::string_view rest = bundle.substr(at + 1);
    const bool takes_value = options_with_value.find(bundle[at]) != std::string_view::npos;
    if (bundle[at] == option.letter) return {true, rest, takes_value && rest.empty()};
    if (takes_value) return {false, {}, rest.empty()};
  }
  return {};
}

bool is_long(const Option& option, std::string_view argument) {
  const std::string_view name =
      option.takes_value ? argument.substr(0, argument.find('=')) : argument;
  return name.size() >= option.shortest &&
         std::any_of(option.names.begin(), option.names.end(),
                     [&](std::string_view one) { return one.starts_with(name); });
}

// The value of the option, the last one if it is there more than once, as for nbdkit; empty for an
// option without values. None when it is not there.
std::optional<std::string> find(const Option& option, const std::vector<std::string>& arguments) {
  std::optional<std::string> found;
  for (std::size_t n = 0; n < arguments.size(); ++n) {
    const std::string_view argument = arguments[n];
    bool is_it = false;
    bool takes_next = false;
    std::string_view value;
    if (argument == "--") break;
    if (argument.starts_with("--")) {
      is_it = is_long(option, argument);
      const std::size_t sign = argument.find('=');
      takes_next = is_it ? option.takes_value && sign == std::string_view::npos
                         : std::find(long_options_with_value.begin(), long_options_with_value.end(),
                                     argument) != long_options_with_value.end();
      if (sign != std::string_view::npos) value = argument.substr(sign + 1);
    } else if (argument.size() > 1 && argument.starts_with('-')) {
      const InBundle here = look_into(option, argument.substr(1));
      is_it = here.found;
      takes_next = here.takes_next;
      value = here.value;
    }
    if (takes_next) ++n;
    if (!is_it) continue;
    found = takes_next ? (n < arguments.size() ? arguments[n] : "") : std::string(value);
  }
  return found;
}

}  // namespace

bool asks_for_read_only(const std::vector<std::string>& arguments) {
  const Option option{'r', {"--read-only", "--readonly"}, std::string_view("--re").size(), false};
  return find(option, arguments).has_value();
}

std::optional<std::string> user_to_become(const std::vector<std::string>& arguments) {
  return find({'u', {"--user", "--user"}, std::string_view("--us").size(), true}, arguments);
}

std::optional<std::string> log_destination(const std::vector<std::string>& arguments) {
  constexpr char no_letter = '\0';
  return find({no_letter, {"--log", "--log"}, std::string_view("--log").size(), true}, arguments);
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
