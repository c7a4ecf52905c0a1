// Text of unknown origin as a log can have it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace luksdetached {

/// `text` without what is not UTF-8, is a control character, ends a line, is invisible or turns the
/// direction of writing: such bytes become \xNN. At most `most` bytes, then "…" for the rest.
std::string one_line(std::string_view text, std::size_t most);

/// The same in quotes, with \" and \\ for the characters that would end or confuse it.
std::string quoted(std::string_view text, std::size_t most);

}  // namespace luksdetached
