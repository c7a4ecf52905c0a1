// How an export is shown to clients, and which of them may open it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace luksdetached {

/// Takes effect for clients that come after it; changing it does not touch the volume.
struct ExportRules {
  bool list = true;           ///< shown in the list of exports
  std::string description{};  ///< for clients: at most 4096 bytes, no control characters
  /// A client must match one entry of any of the three; when all are empty every client does.
  std::vector<std::uint32_t> allow_uid{}, allow_gid{};
  std::vector<std::string> allow_subject{};  ///< of certificates, as in RFC 4514
  unsigned max_clients = 0;                  ///< connections at once; 0: any number

  bool operator==(const ExportRules&) const = default;
};

}  // namespace luksdetached
