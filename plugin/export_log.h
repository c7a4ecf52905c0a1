// What happens to exports, in the log.
#pragma once

#include "audit.h"
#include "export/registry.h"
#include "log/log.h"

namespace luksdetached {

/// For one export, before nbdkit goes into the background and afterwards: what fails is thrown as
/// well, and that it opened is for `debug`. `log` must outlive them.
ExportEvents events_of_one(const Log& log, ExportEvents::Tell debug);

/// For a service. `log` and `audit` must outlive them.
ExportEvents events_of_service(const Log& log, Audit& audit);

}  // namespace luksdetached
