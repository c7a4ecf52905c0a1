#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "base/unix_socket.h"
#include "commands.h"
#include "config/needed_files.h"
#include "export/load_service.h"
#include "installed_nbdkit.h"

namespace luksdetached {

namespace {

namespace fs = std::filesystem;

constexpr const char* plugin_file = "nbdkit-luksdetached-plugin.so";

// The installed plugin, or in a build folder the one that was built beside this program.
std::string find_plugin() {
  const fs::path own = fs::read_symlink("/proc/self/exe");
  const fs::path built = own.parent_path().parent_path() / "plugin" / plugin_file;
  if (own.parent_path().filename() == "server" && fs::exists(built)) return built;
  return fs::path(LUKSDETACHED_PLUGINDIR) / plugin_file;
}

std::vector<std::string> listener_arguments(const Listener& listener) {
  if (listener.kind == Listener::Kind::unix_socket) return {"-U", listener.path};
  return {"-i", listener.host, "-p", std::to_string(listener.port)};
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
                                          const std::string& config_path) {
  std::vector<std::string> arguments{"nbdkit", "--foreground"};
  const auto append = [&](const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  append(listener_arguments(config.listen));
  append(tls_arguments(config));
  if (config.threads != 0) append({"-t", std::to_string(config.threads)});
  append({find_plugin(), "config=" + config_path});
  return arguments;
}

// nbdkit does not take over the socket of a process that was killed.
void remove_dead_socket(const std::string& path) {
  const FileDescriptor probe = new_unix_socket();
  if (connect_unix(probe, path)) {
    throw std::runtime_error("another process serves on " + path + " already");
  }
  if (is_dead_socket(path)) fs::remove(path);
}

// Each client needs a descriptor; many systems begin with a low limit that may be raised.
void raise_file_limit() {
  constexpr rlim_t enough = 65536;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int serve(const std::string& config_path) {
  const ServiceConfig config = load_service(config_path);
  check_needed_files(config, config_path);
  check_installed_nbdkit(config, config_path);
  if (config.listen.kind == Listener::Kind::unix_socket) remove_dead_socket(config.listen.path);
  std::vector<std::string> arguments = nbdkit_arguments(config, config_path);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  raise_file_limit();
  execvp(pointers.front(), pointers.data());
  throw std::system_error(errno, std::generic_category(),
                          "cannot start nbdkit (Debian package nbdkit)");
}

}  // namespace luksdetached
