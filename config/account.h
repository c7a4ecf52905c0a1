// The system's users and groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace luksdetached {

/// The number of the user called `name`; nothing when there is none, or the system cannot tell.
std::optional<std::uint32_t> find_user(const std::string& name);

/// The same for a group.
std::optional<std::uint32_t> find_group(const std::string& name);

}  // namespace luksdetached
