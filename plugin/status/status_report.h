// The report that the status socket gives.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "export/export_keeper.h"

namespace luksdetached {

/// One JSON object on one line, as luksdetached(1) describes it: {"version": "0.1.0", "pid": 1,
/// "started": "2026-11-28T06:17:02Z", "reloads-asked": 0, "reloads-answered": 0, "reloads": 0,
/// "exports": [{"name": "vm1", "state": "open", "clients": 1, "size": 65536, …}, …]}. What there is
/// not, such as the key slot of a volume that its key opened, is left out.
std::string status_report(std::chrono::system_clock::time_point started,
                          const std::vector<ExportStatus>& exports, const ReloadStatus& reload);

}  // namespace luksdetached
