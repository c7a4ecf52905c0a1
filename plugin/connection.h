// A client that has an export open: what nbdkit calls a handle.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "audit.h"
#include "config/export_rules.h"
#include "export/export.h"
#include "metrics/request_counters.h"
#include "volume/sync_failures.h"

namespace luksdetached {

/// One client.
struct Connection {
  Connection(std::shared_ptr<Export> its_export, bool is_read_only)
      : rules(its_export->rules()),
        client(std::move(its_export)),
        size(client.volume()->measure()),
        read_only(is_read_only || !client.volume()->writable()),
        syncs(client.volume()->sync_failures()) {}

  std::shared_ptr<const ExportRules> rules;  // as when it came
  Export::Client client;
  std::uint64_t size;  // as when it came: NBD has no way to tell it later
  bool read_only;
  SyncFailures::Witness syncs;
  std::atomic<bool> knows_of_removal = false;
  std::optional<Audit::Opened> audited;  // in a service
};

/// What `handle` is.
inline Connection& connection_of(void* handle) {
  return *static_cast<Connection*>(handle);
}

inline RequestCounters& requests_of(void* handle) {
  return connection_of(handle).client.requests();
}

/// The volume, for one request. Throws when the export was removed meanwhile. The first time the
/// client is told so; if it goes on and nothing of it is under way it is let go, where nbdkit can.
Export::Client::Use volume_of(void* handle);

}  // namespace luksdetached
