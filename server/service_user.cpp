#include "service_user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <stdexcept>

namespace luksdetached {

namespace {

const passwd& user_entry(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  if (const passwd* entry = getpwnam(name.c_str())) return *entry;
  throw std::runtime_error("there is no user '" + name + "' on this machine");
}

}  // namespace

uid_t user_id(const std::string& name) {
  return user_entry(name).pw_uid;
}

gid_t group_id(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  if (const group* entry = getgrnam(name.c_str())) return entry->gr_gid;
  throw std::runtime_error("there is no group '" + name + "' on this machine");
}

std::optional<ServiceUser> user_to_become(const ServiceConfig& config) {
  if (config.user.empty()) return std::nullopt;
  const passwd& entry = user_entry(config.user);
  ServiceUser user{entry.pw_uid, entry.pw_gid};
  if (!config.group.empty()) user.gid = group_id(config.group);
  if (geteuid() == 0) return user;
  if (geteuid() == user.uid && getegid() == user.gid) return std::nullopt;
  throw std::runtime_error("the service cannot become the user " + config.user +
                           (config.group.empty() ? "" : " with the group " + config.group) +
                           " of its config: that needs to be started as root, or as that user");
}

}  // namespace luksdetached
