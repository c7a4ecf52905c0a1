// From what the user asked for to a volume that can be served.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "export/unlock_facts.h"
#include "source/nbd_link.h"
#include "source/source.h"
#include "volume/volume.h"

namespace luksdetached {

struct OpenedExport {
  std::unique_ptr<Volume> volume;
  std::vector<std::string> warnings;  ///< for the log, in the order in which they came up
  std::string summary;                ///< for the log: what was opened and how
  UnlockFacts facts;                  ///< the same for reports
};

/// Reads the header, opens and locks the payload, reads the secrets and unlocks, in this order, so
/// that cheap mistakes show before expensive work; of several headers it takes the first that
/// unlocks. The header's source and the secrets are gone when it returns. Throws Error.
///
/// `payload_lock` must outlive the volume and be that of every other volume of the same payload.
/// `tell` hears what happens to the payload while it is served.
OpenedExport open_export(const ExportOptions& options, Access access, RangeLock& payload_lock,
                         const TellNews& tell);

}  // namespace luksdetached
