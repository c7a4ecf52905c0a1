// What every Prometheus client says of its process.
#pragma once

#include "metrics/exposition.h"

namespace luksdetached {

/// Adds the process_* metrics of this process, as far as /proc tells them.
void add_process_metrics(Exposition& metrics);

}  // namespace luksdetached
