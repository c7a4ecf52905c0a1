// What a service says of itself, for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace luksdetached {

/// A line about the service, then a table with a line for each export. `report` is what
/// ask_service returns.
std::string status_text(const nlohmann::ordered_json& report);

}  // namespace luksdetached
