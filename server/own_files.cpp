#include "own_files.h"

#include <filesystem>
#include <system_error>

namespace luksdetached {

namespace {

namespace fs = std::filesystem;

// `in_build` is relative to the top of a build folder, `installed` to the program's folder.
std::string find_file(const fs::path& in_build, const fs::path& installed) {
  const fs::path own_folder = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path built = own_folder.parent_path() / in_build;
  std::error_code not_ours_to_see;
  return own_folder.filename() == "server" && fs::exists(built, not_ours_to_see)
             ? built
             : (own_folder / installed).lexically_normal();
}

}  // namespace

std::string plugin_path() {
  constexpr const char* name = "nbdkit-luksdetached-plugin.so";
  return find_file(fs::path("plugin") / name, fs::path(LUKSDETACHED_PLUGINDIR) / name);
}

std::string tls_policy_path() {
  return find_file("server/tls.conf", LUKSDETACHED_TLS_POLICY);
}

}  // namespace luksdetached
