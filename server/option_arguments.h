// Parameters of the plugin as options of a command: the same names, the same checks.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/export_options.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
}

namespace luksdetached {

/// HEADER and some of the plugin's parameters, as a command line gives them. Must stay where it is
/// and live as long as the command line is read.
class OptionArguments {
 public:
  OptionArguments() = default;
  /// `prefix` stands before the parameters' names on the command line, as "new-" in --new-secret.
  explicit OptionArguments(std::string prefix) : prefix_(std::move(prefix)) {}

  /// `command` takes HEADER.
  void add_header(CLI::App& command);

  /// `command` takes --KEY with a value that --help calls `value`; a boolean takes none.
  void add(CLI::App& command, const std::string& key, const std::string& value,
           const std::string& help);

  /// Was --KEY given?
  bool has(std::string_view key) const;

  /// As if --KEY VALUE had been given.
  void set(std::string_view key, std::string_view value);

  /// Unless a secret, a passphrase or a volume key was given: a passphrase will be typed on the
  /// terminal. Throws OptionError, which begins with what is `missing`, where there is no terminal.
  void ask_unless_given(const std::string& missing);

  /// Throws OptionError.
  ExportOptions options(Purpose purpose) const;

 private:
  std::string prefix_;
  std::string header_;
  bool takes_header_ = false;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;  // by parameter
  std::map<std::string, bool, std::less<>> flags_;
};

}  // namespace luksdetached
