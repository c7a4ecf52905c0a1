// Which exports of the running service are not open, and why.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace luksdetached {

/// Says so on standard error, a line each, of the exports `names`, or without names of all that the
/// status report `report` has. Returns whether all of them are open.
bool tell_unready(const nlohmann::ordered_json& report, const std::vector<std::string>& names);

}  // namespace luksdetached
