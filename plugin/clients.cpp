// A client comes and goes, and hears what the export can do.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "access.h"
#include "callbacks.h"
#include "connection.h"
#include "current_peer.h"
#include "export_access.h"
#include "room_for_clients.h"
#include "state.h"
#include "volume/volume.h"

namespace luksdetached {

namespace {

// Of a client without the TLS that is required nothing else is heard: nbdkit turns it away without
// a word.
int on_preconnect(int) {
  return guarded(-1, [] {
    State& s = state();
    if (!s.service) return 0;
    const Peer peer = current_peer(false);
    if (!has_room_for_clients()) {
      s.audit.refused(std::nullopt, peer, "there are no file descriptors for more clients");
      return -1;
    }
    if (s.requires_tls) s.audit.connected(peer);
    return 0;
  });
}

// Throws Error(policy) when the client may not see any export.
void check_peer(const Peer& peer) {
  State& s = state();
  const AccessDecision decision = decide_access(peer.kind, peer.tls, s.insecure);
  if (!decision.allowed) throw Error(ErrorKind::policy, decision.message);
  // Once is enough: a busy local client would flood the log.
  if (!decision.message.empty() && !s.warned_of_peer.exchange(true)) {
    s.log.write(LogLevel::warning, decision.message);
  }
}

// Runs `body` for a client. In a service a client that is refused has a line of its own in the log;
// what it is told is the same for all reasons.
template <typename Result, typename Body>
Result let_in(Result on_refusal, std::optional<std::string_view> name, bool tls, Body body) {
  return guarded(on_refusal, [&] {
    const Peer peer = current_peer(tls);
    try {
      check_peer(peer);
      return body(peer);
    } catch (const Error& error) {
      if (!state().service) throw;
      state().audit.refused(name, peer, error.what());
      nbdkit_set_error(ENOENT);
      return on_refusal;
    }
  });
}

// Lists what the client could open now.
int on_list_exports(int, int is_tls, nbdkit_exports* exports) {
  return let_in(-1, std::nullopt, is_tls != 0, [&](const Peer& peer) {
    if (!state().service) return nbdkit_use_default_export(exports);
    for (const ExportStatus& one : state().exports.statuses()) {
      const ExportRules& rules = *one.rules;
      if (one.state != ExportState::open || !rules.list || !why_not_allowed(rules, peer).empty()) {
        continue;
      }
      const char* about = rules.description.empty() ? nullptr : rules.description.c_str();
      if (nbdkit_add_export(exports, one.name.c_str(), about) != 0) return -1;
    }
    return 0;
  });
}

const char* on_default_export(int, int) {
  State& s = state();
  const std::lock_guard lock(s.followed_mutex);
  return s.service ? nbdkit_strdup_intern(s.service->default_export.c_str()) : only_export;
}

void* on_open(int read_only) {
  State& s = state();
  const char* asked = s.service ? nbdkit_export_name() : only_export;
  if (asked == nullptr) return nullptr;
  return let_in<void*>(nullptr, asked, nbdkit_is_tls() == 1, [&](const Peer& peer) -> void* {
    std::shared_ptr<Export> found = s.exports.find(asked);
    if (const std::string why = why_not_allowed(*found->rules(), peer); !why.empty()) {
      throw Error(ErrorKind::policy, why);
    }
    auto connection = std::make_unique<Connection>(std::move(found), read_only != 0);
    if (s.service) connection->audited.emplace(s.audit, asked, peer, connection->read_only);
    return connection.release();
  });
}

void on_close(void* handle) {
  delete &connection_of(handle);
}

const char* on_export_description(void* handle) {
  const std::string& description = connection_of(handle).rules->description;
  return description.empty() ? nullptr : description.c_str();
}

std::int64_t on_get_size(void* handle) {
  return static_cast<std::int64_t>(connection_of(handle).size);
}

int on_can_write(void* handle) {
  return guarded(-1, [&] {
    return volume_of(handle)->writable() && !connection_of(handle).read_only ? 1 : 0;
  });
}

int on_can_flush(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_flush() ? 1 : 0; });
}

int on_can_fua(void* handle) {
  return guarded(
      -1, [&] { return volume_of(handle)->can_flush() ? NBDKIT_FUA_NATIVE : NBDKIT_FUA_NONE; });
}

int on_can_zero(void* handle) {
  return on_can_write(handle);
}

// The plugin never has a fast way, and says so to each request for it.
int on_can_fast_zero(void* handle) {
  return on_can_write(handle);
}

int on_can_trim(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_discard() ? 1 : 0; });
}

// Without it nbdkit says that everything is data.
int on_can_extents(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_find_holes() ? 1 : 0; });
}

int on_can_cache(void* handle) {
  return guarded(-1, [&] {
    return volume_of(handle)->can_prefetch() ? NBDKIT_CACHE_NATIVE : NBDKIT_CACHE_NONE;
  });
}

int on_is_rotational(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->rotational() ? 1 : 0; });
}

// All clients share one payload, and a flush of it covers what any of them wrote.
int on_can_multi_conn(void* handle) {
  return guarded(-1, [&] { return volume_of(handle)->can_flush() ? 1 : 0; });
}

int on_block_size(void* handle, std::uint32_t* minimum, std::uint32_t* preferred,
                  std::uint32_t* maximum) {
  return guarded(-1, [&] {
    *minimum = 1;
    *preferred =
        std::max<std::uint32_t>(4096, static_cast<std::uint32_t>(volume_of(handle)->sector_size()));
    *maximum = 64U << 20;  // nbdkit takes no larger requests
    return 0;
  });
}

}  // namespace

void add_clients(nbdkit_plugin& plugin) {
  plugin.preconnect = on_preconnect;
  plugin.list_exports = on_list_exports;
  plugin.default_export = on_default_export;
  plugin.open = on_open;
  plugin.close = on_close;
  plugin.export_description = on_export_description;
  plugin.get_size = on_get_size;
  plugin.can_write = on_can_write;
  plugin.can_flush = on_can_flush;
  plugin.can_fua = on_can_fua;
  plugin.can_zero = on_can_zero;
  plugin.can_fast_zero = on_can_fast_zero;
  plugin.can_trim = on_can_trim;
  plugin.can_extents = on_can_extents;
  plugin.can_cache = on_can_cache;
  plugin.is_rotational = on_is_rotational;
  plugin.can_multi_conn = on_can_multi_conn;
  plugin.block_size = on_block_size;
}

}  // namespace luksdetached
