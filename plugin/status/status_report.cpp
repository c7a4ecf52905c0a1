#include "status/status_report.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "status/timestamp.h"

namespace luksdetached {

namespace {

using Json = nlohmann::ordered_json;

void add_reload(Json& report, const ReloadStatus& reload) {
  report["reloads-asked"] = reload.asked;
  report["reloads-answered"] = reload.answered;
  report["reloads"] = reload.reloads;
  if (reload.reloads == 0) return;
  report["reload-failures"] = reload.failures;
  report["last-reload"] = timestamp(reload.last);
  if (!reload.error.empty()) report["reload-error"] = reload.error;
}

void add_facts(Json& entry, const UnlockFacts& facts) {
  entry["unlocked"] = timestamp(facts.at);
  entry["unlock-seconds"] = std::chrono::duration<double>(facts.duration).count();
  entry["header"] = facts.header;
  if (facts.keyslot) entry["keyslot"] = *facts.keyslot;
  entry["cipher"] = facts.cipher;
  entry["kernel"] = facts.kernel;
  if (!facts.warnings.empty()) entry["warnings"] = facts.warnings;
}

// What clients have asked for; operations that none did are left out.
Json requests(const RequestCounters& counters) {
  Json all = Json::object();
  for (const Operation operation : all_operations) {
    const OperationCount count = counters.count(operation);
    if (count.requests == 0) continue;
    Json& one = all[std::string(operation_word(operation))];
    one["count"] = count.requests;
    one["errors"] = count.errors;
    if (has_bytes(operation)) one["bytes"] = count.bytes;
  }
  return all;
}

Json entry_of(const ExportStatus& one) {
  Json entry;
  entry["name"] = one.name;
  entry["state"] = state_word(one.state);
  entry["clients"] = one.clients;
  if (one.is_being_opened) entry["opening"] = true;
  if (one.state == ExportState::failed) {
    entry["reason"] = one.reason;
    entry["retried"] = one.is_retried;
  }
  if (one.state == ExportState::open) {
    entry["size"] = one.size;
    entry["writable"] = one.writable;
    if (one.unlocked) add_facts(entry, *one.unlocked);
    entry["reconnects"] = one.reconnects;
    if (one.requests) entry["requests"] = requests(*one.requests);
  }
  return entry;
}

}  // namespace

std::string status_report(std::chrono::system_clock::time_point started,
                          const std::vector<ExportStatus>& exports, const ReloadStatus& reload) {
  Json report;
  report["version"] = LUKSDETACHED_VERSION;
  report["pid"] = getpid();
  report["started"] = timestamp(started);
  add_reload(report, reload);
  report["exports"] = Json::array();
  for (const ExportStatus& one : exports) report["exports"].push_back(entry_of(one));
  // A name from the config or a path may hold bytes that are not UTF-8.
  return report.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace luksdetached
