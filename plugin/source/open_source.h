// From a URI to a Source.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "source/nbd_link.h"
#include "source/source.h"

namespace luksdetached {

struct SourceOptions {
  Access access = Access::read_only;
  bool lock = true;          ///< keep other writers out of a writable local file or device
  bool holes = false;        ///< it will be asked for holes, where it knows of any
  bool insecure = false;     ///< accept an NBD server over TLS that cannot be verified
  unsigned connections = 1;  ///< at most, to an NBD server that offers several
  /// How long requests wait for a server that went away, after `start()`.
  std::chrono::milliseconds reconnect_timeout = std::chrono::seconds(60);
  /// Hears of servers that go and come back, and what they say; from any thread.
  TellNews tell = [](const std::string&) {};
};

/// Opens the file, device or NBD export that `uri` names.
///
/// No thread runs before the Source's `start()`. Throws Error(usage), (unsupported), (policy),
/// (source_unreachable) or (payload_in_use), with the URI redacted.
std::unique_ptr<Source> open_source(const std::string& uri, const SourceOptions& options);

}  // namespace luksdetached
