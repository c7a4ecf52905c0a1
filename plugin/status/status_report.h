// The report that the status socket gives.
#pragma once

#include <string>
#include <vector>

#include "export/export_keeper.h"

namespace luksdetached {

/// One JSON object on one line: {"version": "0.1.0", "pid": 1, "reloads": 0, "exports": [{"name":
/// "vm1", "state": "open", "clients": 1, "size": 65536, "writable": true}, {"name": "vm2", "state":
/// "failed", "clients": 0, "reason": "…", "retried": true}]}. `state` is waiting, open or failed.
/// When the last reload changed nothing because of a mistake, "reload-error" says which.
std::string status_report(const std::vector<ExportStatus>& exports, const ReloadStatus& reload);

}  // namespace luksdetached
