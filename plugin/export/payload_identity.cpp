#include "export/payload_identity.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <variant>

#include "base/file_descriptor.h"
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

std::string inode(std::uint64_t device, std::uint64_t number) {
  return "inode " + std::to_string(device) + " " + std::to_string(number);
}

// The file behind a loop device; empty for other devices, or when that is not ours to see.
std::string backing_file(const std::string& path, dev_t device) {
  if (major(device) != LOOP_MAJOR) return {};
  const FileDescriptor loop(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  loop_info64 status{};
  if (!loop || ::ioctl(loop.get(), LOOP_GET_STATUS64, &status) != 0) return {};
  return inode(status.lo_device, status.lo_inode);
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
    const bool is_device = S_ISBLK(info.st_mode);
    identities.push_back(is_device ? "device " + std::to_string(info.st_rdev)
                                   : inode(info.st_dev, info.st_ino) + part);
    const std::string file = is_device ? backing_file(path, info.st_rdev) : std::string();
    if (!file.empty()) identities.push_back(file);
  }
  return identities;
}

bool may_change_identity(const std::string& uri) {
  return !parse_uri(uri).socket.empty();
}

}  // namespace luksdetached
