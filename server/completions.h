// What shells offer when somebody presses Tab.
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11
class App;
}

namespace luksdetached {

/// What could be the last of `words`, which are those behind the program's name on a command line
/// of `app`; the last one may be empty or only begun. The first line of the answer says what the
/// others are:
///   words          a word each, and behind a tab what --help says of it; also those that what was
///                  begun does not fit
///   files PREFIX   (there are no others) any file, its name behind PREFIX
std::string completions(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace luksdetached
