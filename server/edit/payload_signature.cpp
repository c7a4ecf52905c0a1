#include "payload_signature.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "loaded_libblkid.h"
#include "luks/header.h"

namespace luksdetached::edit {

namespace {

constexpr std::uint64_t looked_at = std::uint64_t{1} << 20;  // bytes, at both ends

struct FreeProbe {
  void operator()(blkid_probe probe) const noexcept { libblkid().blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, FreeProbe>;

void require(bool worked) {
  if (worked) return;
  throw Error(ErrorKind::io, "cannot look at what the payload holds: " + errno_text(errno), errno);
}

// Both ends of the payload, with a hole between them, which libblkid takes for a disk.
FileDescriptor ends_of(Source& payload) {
  FileDescriptor file(::memfd_create("payload", MFD_CLOEXEC));
  require(file && ::ftruncate(file.get(), static_cast<off_t>(payload.size())) == 0);
  std::vector<std::byte> part(std::min(payload.size(), looked_at));
  for (const std::uint64_t offset : {std::uint64_t{0}, payload.size() - part.size()}) {
    payload.read(part, offset);
    const ssize_t written =
        ::pwrite(file.get(), part.data(), part.size(), static_cast<off_t>(offset));
    require(written == static_cast<ssize_t>(part.size()));
  }
  return file;
}

std::string value(const Probe& probe, const char* name) {
  const char* text = nullptr;
  if (libblkid().blkid_probe_lookup_value(probe.get(), name, &text, nullptr) != 0) return {};
  return text;
}

}  // namespace

std::string find_signature(Source& payload) {
  if (payload.size() == 0) return {};
  std::vector<std::byte> first(std::min<std::uint64_t>(payload.size(), luks::magic_bytes));
  payload.read(first, 0);
  if (luks::begins_like_header(first)) return "a LUKS header";
  const FileDescriptor file = ends_of(payload);
  const Probe probe(libblkid().blkid_new_probe());
  require(probe && libblkid().blkid_probe_set_device(probe.get(), file.get(), 0, 0) == 0);
  libblkid().blkid_probe_enable_superblocks(probe.get(), 1);
  libblkid().blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE);
  libblkid().blkid_probe_enable_partitions(probe.get(), 1);
  const int result = libblkid().blkid_do_safeprobe(probe.get());
  if (result == -2) return "more than one file system or partition table";
  require(result >= 0);
  std::string type = value(probe, "TYPE");
  if (!type.empty()) return type;
  const std::string table = value(probe, "PTTYPE");
  return table.empty() ? std::string() : "a " + table + " partition table";
}

}  // namespace luksdetached::edit
