// Text of unknown origin, for people to read.
#pragma once

#include <string>
#include <string_view>

namespace luksdetached::luks {

/// `text` as a terminal and a JSON writer can take it: UTF-8 without control characters. Each byte
/// that is not part of such a character becomes '?'.
std::string display_text(std::string_view text);

/// The same for a name that a message is about: its first 40 bytes.
std::string display_name(std::string_view name);

}  // namespace luksdetached::luks
