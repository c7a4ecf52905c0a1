#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "commands.h"
#include "config/config_file.h"
#include "config/needed_files.h"
#include "export/load_service.h"
#include "hardening.h"
#include "installed_nbdkit.h"
#include "listeners.h"
#include "own_files.h"
#include "service_user.h"

namespace luksdetached {

namespace {

// What the user may read is the same whatever groups root has: without --group nbdkit keeps those.
std::vector<std::string> user_arguments(const ServiceConfig& config,
                                        const std::optional<ServiceUser>& user) {
  if (!user) return {};
  return {"--user=" + config.user, "--group=" + std::to_string(user->gid)};
}

std::vector<std::string> filter_arguments(const ServiceConfig& config) {
  std::vector<std::string> arguments;
  arguments.reserve(config.filters.size());
  for (const std::string& name : config.filters) arguments.push_back("--filter=" + name);
  return arguments;
}

std::vector<std::string> tls_arguments(const ServiceConfig& config) {
  if (config.tls == TlsMode::off) return {"--tls=off"};
  std::vector<std::string> arguments{config.tls == TlsMode::on ? "--tls=on" : "--tls=require"};
  if (!config.tls_certificates.empty()) {
    arguments.push_back("--tls-certificates=" + config.tls_certificates);
  }
  if (!config.tls_psk.empty()) arguments.push_back("--tls-psk=" + config.tls_psk);
  if (config.tls_verify_peer) arguments.emplace_back("--tls-verify-peer");
  return arguments;
}

std::vector<std::string> nbdkit_arguments(const ServiceConfig& config,
                                          const std::optional<ServiceUser>& user,
                                          const std::string& config_path) {
  std::vector<std::string> arguments{"nbdkit", "--foreground"};
  const auto append = [&](const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  append(tls_arguments(config));
  append(user_arguments(config, user));
  append(filter_arguments(config));
  if (config.threads != 0) append({"-t", std::to_string(config.threads)});
  append({plugin_path(), "config=" + config_path});
  for (const auto& [key, value] : config.filter_parameters) {
    arguments.push_back(std::string(key).append("=").append(value));
  }
  return arguments;
}

// GnuTLS in nbdkit and in its children then does without the versions of TLS that are known to be
// weak. A machine that has a policy of its own keeps it.
void set_tls_policy() {
  constexpr const char* variable = "GNUTLS_SYSTEM_PRIORITY_FILE";
  constexpr const char* of_machine = "/etc/gnutls/config";
  // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
  if (std::getenv(variable) != nullptr || access(of_machine, F_OK) == 0) return;
  const std::string path = tls_policy_path();
  if (access(path.c_str(), R_OK) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot read the TLS policy " + path);
  }
  setenv(variable, path.c_str(), 1);
  // NOLINTEND(concurrency-mt-unsafe)
}

}  // namespace

int serve(const std::string& config_path) {
  signal(SIGHUP, SIG_IGN);  // there is nothing to follow yet
  const std::string state = config_file_state(config_path);
  const ServiceConfig config = load_service(config_path);
  check_needed_files(config, config_path);
  check_installed_nbdkit(config, config_path);
  const std::optional<ServiceUser> user = user_to_become(config);
  Listeners listeners;
  listeners.open(config, user);
  harden(config, user);
  set_tls_policy();
  std::vector<std::string> arguments = nbdkit_arguments(config, user, config_path);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  setenv(config_state_variable, state.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
  listeners.pass_on();
  execvp(pointers.front(), pointers.data());
  throw std::system_error(errno, std::generic_category(),
                          "cannot start nbdkit (Debian package nbdkit)");
}

}  // namespace luksdetached
