// JSON text from an untrusted header.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace luksdetached::luks {

/// Parses `text` (RFC 8259). Throws header_damaged when it is not valid, has a name twice in one
/// object, has values below the 32nd level (the outermost is the first), or more than 65536 values.
/// The limits hold before anything is built.
nlohmann::json parse_strict_json(std::string_view text);

}  // namespace luksdetached::luks
