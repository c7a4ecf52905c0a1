// A source and the part that it plays.
#pragma once

#include <memory>
#include <string>

#include "source/open_source.h"

namespace luksdetached {

/// open_source, with `role` ("header" or "payload") in front of what it throws: the same name may
/// stand for both, and a redacted one says little.
std::unique_ptr<Source> open_as(const std::string& role, const std::string& uri,
                                const SourceOptions& options);

}  // namespace luksdetached
