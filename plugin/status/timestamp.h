// Points in time for people and programs.
#pragma once

#include <chrono>
#include <string>

namespace luksdetached {

/// RFC 3339, UTC, whole seconds: "2026-11-28T06:17:02Z".
std::string timestamp(std::chrono::system_clock::time_point time);

}  // namespace luksdetached
