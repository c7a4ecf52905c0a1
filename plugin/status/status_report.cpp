#include "status/status_report.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace luksdetached {

std::string status_report(const std::vector<ExportStatus>& exports, const ReloadStatus& reload) {
  nlohmann::ordered_json report;
  report["version"] = LUKSDETACHED_VERSION;
  report["pid"] = getpid();
  report["reloads"] = reload.reloads;
  if (!reload.error.empty()) report["reload-error"] = reload.error;
  report["exports"] = nlohmann::ordered_json::array();
  for (const ExportStatus& one : exports) {
    nlohmann::ordered_json entry;
    entry["name"] = one.name;
    entry["state"] = state_word(one.state);
    entry["clients"] = one.clients;
    if (one.state == ExportState::failed) {
      entry["reason"] = one.reason;
      entry["retried"] = one.is_retried;
    }
    if (one.state == ExportState::open) {
      entry["size"] = one.size;
      entry["writable"] = one.writable;
    }
    report["exports"].push_back(std::move(entry));
  }
  // A name from the config or a path may hold bytes that are not UTF-8.
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace luksdetached
