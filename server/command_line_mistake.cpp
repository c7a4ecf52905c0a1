#include "command_line_mistake.h"

#include <CLI/CLI.hpp>
#include <vector>

namespace luksdetached {

namespace {

std::string as_typed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string command_line_mistake(const CLI::App& app, const CLI::Error& error) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += " " + command->get_name();
  }
  // In the order in which they were typed, which CLI11's own message does not keep.
  const std::vector<std::string> unknown = app.remaining(true);
  if (command->get_require_subcommand_min() > 0) {
    return (unknown.empty() ? "a command is required"
                            : "there is no command '" + unknown.front() + "'") +
           " (" + name + " --help lists them)";
  }
  const std::string what = unknown.empty() ? error.what() : "not expected: " + as_typed(unknown);
  return what + " (" + name + " --help says more)";
}

}  // namespace luksdetached
