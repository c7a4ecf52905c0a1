// Which characters a TOML text has, and where (TOML 1.0).
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

/// The first byte that is not of a character in UTF-8: of one written longer than it need be, of a
/// surrogate or beyond U+10FFFF as well.
std::optional<TextPlace> find_invalid_utf8(std::string_view text);

}  // namespace luksdetached
