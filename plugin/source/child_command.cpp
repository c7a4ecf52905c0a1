#include "source/child_command.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/option_text.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

constexpr int first_credential = 4;  // after the standard ones and the listening socket

struct Builder {
  const Uri& uri;
  bool insecure;
  ChildServerCommand command{};

  void add(std::string argument) { command.arguments.push_back(std::move(argument)); }
  void add(const std::string& key, const std::string& value) { add(key + "=" + value); }

  // nbdkit reads what is called -4 from descriptor 4.
  void add_credential(const std::string& key, const std::string& value) {
    if (value.find('\n') != std::string::npos) {
      fail(ErrorKind::usage,
           "the value of " + key + "= holds a newline, which nbdkit cannot be given");
    }
    add(key, "-" + std::to_string(first_credential + static_cast<int>(command.credentials.size())));
    command.credentials.push_back(value);
  }

  [[noreturn]] void fail(ErrorKind kind, const std::string& what) const {
    throw Error(kind, "cannot use " + uri.name + ": " + what);
  }

  void refuse_unless_insecure(const std::string& what, const std::string& instead) const {
    if (insecure) return;
    fail(ErrorKind::policy, what +
                                " would be shown to every user of this machine, in the list of "
                                "processes; " +
                                instead + " (" + flag_text("insecure") + " allows it)");
  }

  void start_nbdkit(const std::string& plugin, bool read_only) {
    command.arguments = {"nbdkit", "--foreground", "--log=stderr"};
    command.package = "nbdkit";
    if (read_only) add("--readonly");
    add(plugin);
  }

  void build(const std::monostate& /*none*/, Access /*access*/, unsigned /*connections*/) {}

  void build(const HttpFile& file, Access /*access*/, unsigned /*connections*/) {
    if (file.url.find('?') != std::string::npos) {
      refuse_unless_insecure("the query", "give a URL without one");
    }
    // Without --readonly the plugin would write by PUT.
    start_nbdkit("curl", true);
    add("url", file.url);
    // Also of what a server redirects to.
    add("protocols", file.tls ? "https" : "http,https");
    if (!file.user.empty()) add("user", file.user);
    if (file.password) add_credential("password", *file.password);
  }

  void build(const SshFile& file, Access access, unsigned /*connections*/) {
    start_nbdkit("ssh", access == Access::read_only);
    add("host", file.host);
    if (!file.port.empty()) add("port", file.port);
    if (!file.user.empty()) add("user", file.user);
    if (file.password) add_credential("password", *file.password);
    add("path", file.path);
    add("config", "");  // nobody's ssh_config has a say
    if (!file.identity.empty()) add("identity", for_libssh(file.identity));
    if (!file.known_hosts.empty()) add("known-hosts", for_libssh(file.known_hosts));
  }

  // libssh replaces %d, %u and others in the names of files.
  static std::string for_libssh(const std::string& path) {
    std::string escaped;
    for (const char c : path) escaped.append(c == '%' ? 2 : 1, c);
    return escaped;
  }

  void build(const NbdkitPlugin& nbdkit, Access access, unsigned /*connections*/) {
    const bool curl = nbdkit.plugin == "curl";
    start_nbdkit(nbdkit.plugin, access == Access::read_only || curl);
    for (const auto& [key, value] : nbdkit.parameters) add_parameter(curl, key, value);
  }

  void add_parameter(bool curl, const std::string& key, const std::string& value) {
    constexpr std::array<std::string_view, 3> by_descriptor = {"password", "proxy-password",
                                                               "cookie"};
    if (std::find(by_descriptor.begin(), by_descriptor.end(), key) != by_descriptor.end()) {
      if (value.starts_with('+')) {
        add(key, value);  // the name of a file
      } else if (value.starts_with('-')) {
        fail(ErrorKind::usage, key +
                                   "= begins with '-', which nbdkit takes for a descriptor; write "
                                   "it to a file and give " +
                                   key + "=+FILE");
      } else {
        add_credential(key, value);
      }
      return;
    }
    const bool credential =
        key == "header" ||
        std::any_of(credential_words.begin(), credential_words.end(),
                    [&](auto word) { return lower_case(key).find(word) != std::string::npos; });
    if (credential) {
      refuse_unless_insecure("the value of " + key + "=",
                             "use what the plugin reads from a file or a script");
    }
    check_url(curl && key == "url", key, value);
    add(key, value);
  }
  static constexpr std::array<std::string_view, 5> credential_words = {
      "password", "passphrase", "token", "secret-key", "access-key"};

  void check_url(bool of_curl, const std::string& key, const std::string& value) const {
    const std::size_t slashes = value.find("://");
    if (slashes == std::string::npos) return;
    const std::string_view rest = std::string_view(value).substr(slashes + 3);
    if (rest.substr(0, rest.find_first_of("/?#")).find('@') != std::string_view::npos) {
      refuse_unless_insecure("the user information in " + key + "=", "leave it out");
    }
    if (!of_curl) return;
    if (rest.find('#') != std::string_view::npos) {
      fail(ErrorKind::usage, "the URL in url= can have no fragment; write '#' as %2523");
    }
    if (rest.find('?') != std::string_view::npos) {
      refuse_unless_insecure("the query of the URL in url=", "give a URL without one");
    }
  }

  void build(const QemuImage& image, Access access, unsigned connections) {
    command.package = "qemu-utils";
    command.arguments = {"qemu-nbd", "--persistent", "--shared=" + std::to_string(connections),
                         "--discard=unmap"};
    if (access == Access::read_only) add("--read-only");
    if (!image.local) {
      add("--format=" + image.format);
      add(image.name);
      return;
    }
    // In this place QEMU takes the name for nothing but the path of a file or a block device.
    nlohmann::json options = {{"driver", image.format}, {"file", {{"filename", image.name}}}};
    if (image.format == "qcow" || image.format == "qcow2" || image.format == "qed") {
      // This opens neither the backing file nor the data file that it tells of.
      command.inspect = {"qemu-img", "info", "--output=json", "--force-share", json(options)};
      options["backing"] = nullptr;
    }
    add(json(options));
  }

  std::string json(const nlohmann::json& options) const {
    try {
      return "json:" + options.dump();
    } catch (const nlohmann::json::exception&) {
      fail(ErrorKind::usage, "its name is not UTF-8, which QEMU cannot be given");
    }
  }
};

// The Debian package of an nbdkit plugin that has one of its own.
std::string package_of(const std::string& plugin) {
  constexpr std::array<std::string_view, 7> separate = {"python", "perl",    "lua",    "ruby",
                                                        "tcl",    "guestfs", "libvirt"};
  return std::find(separate.begin(), separate.end(), plugin) == separate.end()
             ? "nbdkit"
             : "nbdkit-plugin-" + plugin;
}

// What is between `before`, whose last character is a quotation mark, and the next such mark.
std::string quoted_after(const std::string& text, std::string_view before) {
  const std::size_t at = text.find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  const std::size_t end = text.find(before.back(), begin);
  return end == std::string::npos ? std::string() : text.substr(begin, end - begin);
}

// The plugin that nbdkit says it cannot open: by its name, since 1.42 at the latest by its file.
std::string missing_plugin(const std::string& said) {
  std::string name = quoted_after(said, "error: cannot open plugin '");
  if (!name.empty()) return name;
  constexpr std::string_view before = "/nbdkit-";
  constexpr std::string_view after = "-plugin.so";
  std::string file = quoted_after(said, "error: cannot open plugin \"");
  const std::size_t at = file.rfind(before);
  if (at == std::string::npos || !file.ends_with(after)) return file;
  const std::size_t begin = at + before.size();
  return file.substr(begin, file.size() - after.size() - begin);
}

}  // namespace

ChildServerCommand child_server_command(const Uri& uri, Access access, bool insecure,
                                        unsigned connections) {
  Builder builder{uri, insecure};
  std::visit([&](const auto& source) { builder.build(source, access, connections); }, uri.child);
  return std::move(builder.command);
}

std::string refers_to(const std::string& json) {
  const auto info = nlohmann::json::parse(json, nullptr, false);
  if (!info.is_object()) {
    throw Error(ErrorKind::source_unreachable, "qemu-img does not say what the image refers to");
  }
  if (info.contains("backing-filename") || info.contains("full-backing-filename")) {
    return "a backing file";
  }
  const nlohmann::json::json_pointer data("/format-specific/data/data-file");
  if (info.contains(data)) return "a data file";
  return {};
}

std::string child_server_advice(const std::string& said) {
  const std::string plugin = missing_plugin(said);
  if (!plugin.empty()) {
    return "nbdkit has no plugin " + plugin + " here; on Debian it is in the package " +
           package_of(plugin) + ", if it is one of Debian's";
  }
  const std::string protocol = quoted_after(said, "Unknown protocol '");
  if (!protocol.empty()) {
    return "QEMU does not know the protocol " + protocol +
           " here; on Debian it is in the package qemu-block-extra, if it is one of QEMU's";
  }
  if (said.find("does not support writes") != std::string::npos) {
    return "QEMU cannot write there; with readonly=true it is served to be read";
  }
  return {};
}

}  // namespace luksdetached
