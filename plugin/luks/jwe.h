// Encrypted messages (JSON Web Encryption, RFC 7516), which clevis keeps in its tokens.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace luksdetached::luks {

/// The compact serialisation (section 7.1) of a message in it or in the flattened JSON
/// serialisation (section 7.2.2); empty when `message` is neither, or cannot be written so.
std::string compact_jwe(const nlohmann::json& message);

}  // namespace luksdetached::luks
