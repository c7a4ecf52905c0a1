#include "option_arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

namespace luksdetached {

void OptionArguments::add_header(CLI::App& command) {
  takes_header_ = true;
  command.add_option("HEADER", header_, "where the LUKS header is: a path or a URI")->required();
}

void OptionArguments::add(CLI::App& command, const std::string& key, const std::string& value,
                          const std::string& help) {
  if (option_type(key) == OptionType::boolean) {
    command.add_flag("--" + prefix_ + key, flags_[key], help);
  } else {
    // Without this a second word after the option would be taken as well, also HEADER.
    command.add_option("--" + prefix_ + key, values_[key], help)
        ->allow_extra_args(false)
        ->option_text(value);
  }
}

bool OptionArguments::has(std::string_view key) const {
  const auto found = values_.find(key);
  return found != values_.end() && !found->second.empty();
}

void OptionArguments::set(std::string_view key, std::string_view value) {
  values_[std::string(key)].emplace_back(value);
}

void OptionArguments::ask_unless_given(const std::string& missing) {
  if (has("secret") || has("passphrase") || has("volume-key")) return;
  if (isatty(STDIN_FILENO) != 1) throw OptionError(missing + ": there is no terminal to ask on");
  set("passphrase", "-");
}

ExportOptions OptionArguments::options(Purpose purpose) const {
  OptionParser parser(prefix_);
  if (takes_header_) parser.set("header", header_);
  for (const auto& [key, values] : values_) {
    for (const std::string& value : values) parser.set(key, value);
  }
  for (const auto& [key, given] : flags_) {
    if (given) parser.set(key, "true");
  }
  return parser.finish(purpose);
}

}  // namespace luksdetached
