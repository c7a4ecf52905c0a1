// What to do about a mistake in the syntax of a config file.
#pragma once

#include <string_view>

namespace luksdetached {

/// An advice for the mistakes that people make most, to be put behind what toml++ says of it, which
/// is `description`; empty for all others. `rest` is the text from the place of the mistake on.
std::string_view syntax_hint(std::string_view description, std::string_view rest);

}  // namespace luksdetached
