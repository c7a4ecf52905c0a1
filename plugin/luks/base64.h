// Base64 as LUKS2 metadata has it (RFC 4648, section 4): padded, on one line.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace luksdetached::luks {

/// The bytes that `text` encodes, or nothing when it is not exactly what an encoder would have
/// written for them.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace luksdetached::luks
