// The report that the status socket gives.
#pragma once

#include <string>
#include <vector>

#include "export/registry.h"

namespace luksdetached {

/// One JSON object on one line: {"version": "0.1.0", "pid": 1, "exports": [{"name": "vm1",
/// "state": "open", "size": 65536, "writable": true}, {"name": "vm2", "state": "failed",
/// "reason": "…"}]}. `state` is waiting, open or failed.
std::string status_report(const std::vector<ExportStatus>& exports);

}  // namespace luksdetached
