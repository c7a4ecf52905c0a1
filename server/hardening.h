// What a service gives up, and the limits that it raises, before it becomes nbdkit; what a command
// does that handles keys itself.
#pragma once

#include <optional>

#include "config/service_config.h"
#include "service_user.h"

namespace luksdetached {

/// The memory of this process, which will have keys and plain data, goes into no core dump, and
/// other processes of its user cannot look into it.
void keep_memory_private() noexcept;

/// Neither this process nor what it executes gets privileges, dumps core, or keeps groups that root
/// happened to have; limits of open files and locked memory go up as far as they may. Warns on
/// standard error of a service that runs as root, and of exports whose keys surely cannot be locked
/// into memory. `user` is who the service will be.
void harden(const ServiceConfig& config, const std::optional<ServiceUser>& user);

}  // namespace luksdetached
