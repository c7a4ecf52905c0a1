// The rules of one export about its clients.
#pragma once

#include <string>

#include "config/export_rules.h"
#include "peer.h"

namespace luksdetached {

/// Why `peer` may not open an export with these rules, a sentence for the log; empty when it may.
/// Nobody is special, root neither.
std::string why_not_allowed(const ExportRules& rules, const Peer& peer);

}  // namespace luksdetached
