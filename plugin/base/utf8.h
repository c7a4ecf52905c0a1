// Text of unknown origin: what of it may be shown.
#pragma once

#include <cstddef>
#include <string_view>

namespace luksdetached {

/// Bytes of the character that begins `text` (UTF-8, not empty), or 0 when there is none that a log
/// or a terminal can take: bytes that are not UTF-8 (RFC 3629, section 3), control characters,
/// separators of lines, and what is invisible or turns the direction of writing.
std::size_t shown_character_bytes(std::string_view text) noexcept;

}  // namespace luksdetached
