#include "export_access.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace luksdetached {

namespace {

bool is_listed(const std::vector<std::uint32_t>& list, const std::optional<std::uint32_t>& id) {
  return id && std::ranges::find(list, *id) != list.end();
}

}  // namespace

std::string why_not_allowed(const ExportRules& rules, const Peer& peer) {
  std::string keys;
  const auto given = [&](const char* key, bool is_empty) {
    if (!is_empty) keys += (keys.empty() ? "" : ", ") + std::string(key);
  };
  given("allow-uid", rules.allow_uid.empty());
  given("allow-gid", rules.allow_gid.empty());
  given("allow-subject", rules.allow_subject.empty());
  const bool has_subject =
      !peer.subject.empty() &&
      std::ranges::find(rules.allow_subject, peer.subject) != rules.allow_subject.end();
  if (keys.empty() || is_listed(rules.allow_uid, peer.uid) ||
      is_listed(rules.allow_gid, peer.gid) || has_subject) {
    return {};
  }
  return "the client is not in what the export has of " + keys;
}

}  // namespace luksdetached
