// URIs of images that qemu-nbd opens: qemu:FORMAT:NAME
#include <algorithm>
#include <array>

#include "base/error.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

// None of them names another file, but for backing and data files, which are refused when the image
// is opened. vmdk names its extents.
constexpr std::array<std::string_view, 8> formats = {"raw", "qcow", "qcow2", "qed",
                                                     "vdi", "vhdx", "vpc",   "parallels"};

// Of QEMU's protocols those that reach a server; the others are drivers on top of drivers.
constexpr std::array<std::string_view, 17> protocols = {
    "rbd",  "nbd",   "nbd+tcp", "nbd+unix",    "iscsi",        "iser",
    "nfs",  "ssh",   "gluster", "gluster+tcp", "gluster+unix", "gluster+rdma",
    "http", "https", "ftp",     "ftps",        "sheepdog"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What QEMU takes for a protocol in a name: the text before a ':' that comes before any '/'.
std::string_view protocol_of(std::string_view name) {
  const std::size_t end = name.find_first_of(":/");
  return end != std::string_view::npos && name[end] == ':' ? name.substr(0, end)
                                                           : std::string_view{};
}

std::string redact_name(std::string_view name) {
  const std::string_view protocol = protocol_of(name);
  if (protocol.empty()) return escape_control(name);
  std::string_view rest = name.substr(protocol.size() + 1);
  if (!contains(protocols, protocol)) return escape_control(std::string(protocol) + ":…");
  // Options, which may be a key, follow a ':' there.
  if (protocol == "rbd") {
    const std::size_t options = rest.find(':');
    if (options != std::string_view::npos) {
      return escape_control("rbd:" + std::string(rest.substr(0, options)) + ":…");
    }
    return escape_control("rbd:" + std::string(rest));
  }
  return redact(protocol, rest, [](std::string_view) { return false; });
}

// rbd takes '\' before any character for that character.
bool has_rbd_key(std::string name) {
  std::erase(name, '\\');
  return name.find(":key=") != std::string::npos;
}

bool has_user(std::string_view name) {
  const std::size_t slashes = name.find("://");
  if (slashes == std::string_view::npos) return false;
  const std::string_view rest = name.substr(slashes + 3);
  return !split_authority(rest.substr(0, rest.find_first_of("/?"))).user.empty();
}

std::string joined(const auto& names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

void check_protocol(const Uri& uri, std::string_view protocol, const QemuImage& image) {
  if (!contains(protocols, protocol)) {
    refuse(uri,
           "QEMU would take the text before its ':' for a protocol, and one that is not served; a "
           "file of such a name is written ./NAME");
  }
  if (image.format == "qcow" || image.format == "qcow2" || image.format == "qed") {
    refuse(uri, "an image of format " + image.format +
                    " may name other files, which is sure not to happen only for a local file or "
                    "block device; give its path");
  }
  if (has_user(image.name)) {
    refuse(uri,
           "user information in it would be shown to every user of this machine; use ssh:// or "
           "https:// without qemu: for that");
  }
  if (protocol == "rbd" && has_rbd_key(image.name)) {
    refuse(uri,
           "the key in it would be shown to every user of this machine; write it into the "
           "keyring that Ceph's configuration names");
  }
  const bool query_is_secret = protocol.starts_with("http") || protocol.starts_with("ftp");
  if (query_is_secret && image.name.find('?') != std::string::npos) {
    refuse(uri, "its query would be shown to every user of this machine; give the URL without it");
  }
}

}  // namespace

Uri parse_qemu_uri(std::string_view text) {
  Uri uri;
  uri.scheme = Scheme::child;
  uri.text = text;
  const std::string_view rest = text.substr(std::string_view("qemu:").size());
  const std::size_t colon = rest.find(':');
  QemuImage image;
  image.format = rest.substr(0, colon);
  if (colon != std::string_view::npos) image.name = rest.substr(colon + 1);

  uri.name = redact("qemu", rest, [](std::string_view) { return false; });
  const bool has_format =
      !image.format.empty() && !image.name.empty() &&
      image.format.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
  if (!has_format) {
    refuse(uri, "write qemu:FORMAT:NAME with the format of the image, which is one of " +
                    joined(formats));
  }
  const bool is_image = contains(formats, image.format) || image.format == "vmdk";
  uri.name = "qemu:" + image.format + ":" + (is_image ? redact_name(image.name) : "…");
  if (!contains(formats, image.format)) {
    throw Error(
        ErrorKind::unsupported,
        "cannot use " + uri.name + ": " +
            (image.format == "vmdk"
                 ? "a vmdk image names other files, so that whoever made it chooses what is "
                   "opened; convert it with qemu-img convert. Served are "
                 : "images of this format are not served; served are ") +
            joined(formats));
  }

  const std::string_view protocol = protocol_of(image.name);
  image.local = protocol.empty();
  if (image.local) {
    uri.place = place_of_file(image.name);
  } else {
    hide(uri, text);
    hide(uri, image.name);
    const std::size_t question = image.name.find('?');
    if (question != std::string::npos)
      hide_query(uri, std::string_view(image.name).substr(question + 1));
    sort_hidden(uri);
    check_protocol(uri, protocol, image);
    uri.place = "qemu " + image.name;
  }
  uri.child = std::move(image);
  return uri;
}

}  // namespace luksdetached
