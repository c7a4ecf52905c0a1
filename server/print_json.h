// What the commands print with --json.
#pragma once

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace luksdetached {

/// Prints `value` and a newline on standard output. In ASCII, so that no text in it can steer a
/// terminal.
void print_json(const nlohmann::ordered_json& value);

/// The member `error` of what a command prints when it fails: {"kind": "…", "message": "…"}.
nlohmann::ordered_json error_json(const Error& error);

}  // namespace luksdetached
