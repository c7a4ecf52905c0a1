// What is wrong with a command line, in our words.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
class Error;
}  // namespace CLI

namespace luksdetached {

/// A sentence for the user about `error`, which `app` threw when it was given its arguments.
std::string command_line_mistake(const CLI::App& app, const CLI::Error& error);

}  // namespace luksdetached
