// Where the strings and comments of a TOML text are (TOML 1.0).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace luksdetached {

/// A place in a text: both from 1, the column in characters.
struct TextPlace {
  unsigned line;
  unsigned column;
};

/// The first character from byte `start` on that is neither ASCII nor in a string or comment.
std::optional<TextPlace> find_non_ascii(std::size_t start, std::string_view text);

}  // namespace luksdetached
