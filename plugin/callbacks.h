// The callbacks, by what they are about.
#pragma once

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

namespace luksdetached {

/// Each puts its callbacks into nbdkit's table.
void add_start(nbdkit_plugin& plugin);
void add_clients(nbdkit_plugin& plugin);
void add_requests(nbdkit_plugin& plugin);

}  // namespace luksdetached
