// The nbdkit that `serve` would become.
#pragma once

#include <string_view>

#include "config/service_config.h"

namespace luksdetached {

/// Does an nbdkit that says `version` of itself (nbdkit --version) tell plugins the subject of a
/// client's certificate?
bool tells_subjects(std::string_view version) noexcept;

/// check_subject_rules with the installed nbdkit, which is asked only if that matters. Throws
/// ConfigError, and Error when it cannot be asked.
void check_installed_nbdkit(const ServiceConfig& config, std::string_view file);

}  // namespace luksdetached
