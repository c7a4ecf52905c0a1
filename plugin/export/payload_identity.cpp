#include "export/payload_identity.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <variant>

#include "source/uri.h"

namespace luksdetached {

namespace {

// The file or block device in which the payload lies, whoever opens it; empty when that is not
// known.
std::string file_of(const Uri& uri) {
  if (uri.scheme == Scheme::path) return uri.path;
  if (const auto* image = std::get_if<QemuImage>(&uri.child))
    return image->local ? image->name : "";
  if (const auto* nbdkit = std::get_if<NbdkitPlugin>(&uri.child);
      nbdkit && nbdkit->plugin == "file") {
    const auto file =
        std::ranges::find(nbdkit->parameters, "file", &std::pair<std::string, std::string>::first);
    if (file != nbdkit->parameters.end()) return file->second;
  }
  return {};
}

}  // namespace

std::vector<std::string> payload_identities(const std::string& uri) {
  const Uri parsed = parse_uri(uri);
  std::vector<std::string> identities{parsed.place};
  const std::string& path = parsed.socket.empty() ? file_of(parsed) : parsed.socket;
  struct stat info {};
  if (path.empty()) return identities;
  // One socket has many exports, one file is one payload.
  const std::string part = parsed.socket.empty() ? "" : " " + parsed.export_name;
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (!error) identities.push_back("real " + real.string() + part);
  if (::stat(path.c_str(), &info) == 0) {
    identities.push_back(S_ISBLK(info.st_mode) ? "device " + std::to_string(info.st_rdev)
                                               : "inode " + std::to_string(info.st_dev) + " " +
                                                     std::to_string(info.st_ino) + part);
  }
  return identities;
}

bool may_change_identity(const std::string& uri) {
  return !parse_uri(uri).socket.empty();
}

}  // namespace luksdetached
