// What a child server of ours is asked to serve: the parts of a URI that is not NBD's and not a
// path.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace luksdetached {

/// http:// and https://
struct HttpFile {
  bool tls = false;
  std::string url;  ///< without user information
  std::string user{};
  std::optional<std::string> password{};
};

/// ssh:// and sftp://
struct SshFile {
  std::string host, port, user;  ///< port and user are empty when not given
  std::optional<std::string> password;
  std::string path;                   ///< absolute
  std::string identity, known_hosts;  ///< absolute paths, or empty
};

/// nbdkit:PLUGIN?key=value&…
struct NbdkitPlugin {
  std::string plugin;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< keys and values, in order
};

/// qemu:FORMAT:NAME
struct QemuImage {
  std::string format;
  std::string name;  ///< as QEMU takes it
  bool local;        ///< it is the path of a file or block device, else QEMU's protocol:…
};

using ChildSource = std::variant<std::monostate, HttpFile, SshFile, NbdkitPlugin, QemuImage>;

}  // namespace luksdetached
