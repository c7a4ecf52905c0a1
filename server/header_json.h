// A header as JSON, for inspect --json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "luks/header.h"

namespace luksdetached {

/// What is said of the header called `name`, with the digest of its bytes. luksdetached(1) has
/// every member; members are added to a schema, never renamed, removed or given another meaning.
nlohmann::ordered_json header_json(const std::string& name, const std::string& sha256,
                                   const luks::Header& header);

/// Its member `keyslots` alone.
nlohmann::ordered_json keyslots_json(const luks::Header& header);

}  // namespace luksdetached
