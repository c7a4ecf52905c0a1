// Commands that print facts say with --json what made them fail, too.
#pragma once

#include "base/error.h"
#include "config/export_options.h"
#include "config/service_config.h"
#include "print_json.h"

namespace luksdetached {

/// Returns what `step` returns. When it throws OptionError, ConfigError or Error and `json` is
/// true, prints {"schema": 1, "done": false, "error": {…}} first.
template <typename Step>
auto with_json_failure(bool json, Step step) {
  const auto report = [json](const Error& error) {
    if (json) print_json({{"schema", 1}, {"done", false}, {"error", error_json(error)}});
  };
  try {
    return step();
  } catch (const OptionError& error) {
    report(Error(ErrorKind::usage, error.what()));
    throw;
  } catch (const ConfigError& error) {
    report(Error(ErrorKind::usage, error.what()));
    throw;
  } catch (const Error& error) {
    report(error);
    throw;
  }
}

}  // namespace luksdetached
