// Changes of LUKS2's metadata that libcryptsetup does not make.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>

namespace luksdetached::edit {

/// Changes the JSON of `copy`, one of the two copies of the metadata, which must be intact, and
/// makes its checksum right again. Throws Error(usage) when there is no room for it.
void change_luks2_copy(std::span<std::byte> copy,
                       const std::function<void(nlohmann::ordered_json&)>& change);

}  // namespace luksdetached::edit
