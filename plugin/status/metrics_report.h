// What a service tells Prometheus.
#pragma once

#include <string>
#include <vector>

#include "export/export_keeper.h"

namespace luksdetached {

/// The metrics of the exports, of reloads and of the process, in Prometheus' text format.
/// luksdetached(1) lists them.
std::string metrics_report(const std::vector<ExportStatus>& exports, const ReloadStatus& reload);

}  // namespace luksdetached
