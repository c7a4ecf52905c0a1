// Who a service is while it serves.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "config/service_config.h"

namespace luksdetached {

/// A user and a group by their numbers.
struct ServiceUser {
  uid_t uid;
  gid_t gid;
};

/// Who the service has to become; none when it stays who starts it. Throws std::runtime_error when
/// there is no such user or group, or this process may not become it.
std::optional<ServiceUser> user_to_become(const ServiceConfig& config);

/// The number of the user `name`. Throws std::runtime_error when there is none.
uid_t user_id(const std::string& name);

/// The number of the group `name`. Throws std::runtime_error when there is none.
gid_t group_id(const std::string& name);

}  // namespace luksdetached
