// A client reads and writes.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "callbacks.h"
#include "connection.h"
#include "metrics/request_counters.h"
#include "state.h"
#include "volume/volume.h"

namespace luksdetached {

namespace {

int on_pread(void* handle, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::read, count);
    volume_of(handle)->read({static_cast<std::byte*>(buffer), count}, offset);
    request.succeed();
    return 0;
  });
}

Durability durability_of(std::uint32_t flags) {
  return (flags & NBDKIT_FLAG_FUA) != 0 ? Durability::durable : Durability::cached;
}

int on_pwrite(void* handle, const void* buffer, std::uint32_t count, std::uint64_t offset,
              std::uint32_t flags) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::write, count);
    volume_of(handle)->write({static_cast<const std::byte*>(buffer), count}, offset,
                             durability_of(flags), connection_of(handle).syncs);
    request.succeed();
    return 0;
  });
}

// Ends a request that takes long when its client has gone or nbdkit is to end.
void throw_if_ending() {
  if (nbdkit_nanosleep(0, 0) == 0) return;
  throw Error(ErrorKind::io, "the server or the connection is ending", ESHUTDOWN);
}

int on_zero(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  // Encrypted zeros have to be written like anything else. A hole would not read as zeros, so
  // NBDKIT_FLAG_MAY_TRIM changes nothing.
  if ((flags & NBDKIT_FLAG_FAST_ZERO) != 0) {
    nbdkit_set_error(EOPNOTSUPP);
    return -1;
  }
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::zero, count);
    volume_of(handle)->zero(count, offset, durability_of(flags), connection_of(handle).syncs,
                            throw_if_ending);
    request.succeed();
    return 0;
  });
}

int on_trim(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::trim, count);
    volume_of(handle)->discard(count, offset, durability_of(flags), connection_of(handle).syncs,
                               throw_if_ending);
    request.succeed();
    return 0;
  });
}

int on_flush(void* handle, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::flush, 0);
    volume_of(handle)->flush(connection_of(handle).syncs);
    request.succeed();
    return 0;
  });
}

int on_extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags,
               nbdkit_extents* extents) {
  // Of 4 GiB in small pieces a client gets the beginning; it asks again from there.
  constexpr std::size_t enough = 65536;
  const std::size_t most = (flags & NBDKIT_FLAG_REQ_ONE) != 0 ? 1 : enough;
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::extents, 0);
    for (const Extent& extent : volume_of(handle)->extents(count, offset, most)) {
      // A hole, but never "zero": it reads as noise.
      const std::uint32_t type = extent.hole ? NBDKIT_EXTENT_HOLE : 0;
      if (nbdkit_add_extent(extents, offset, extent.length, type) != 0) return -1;
      offset += extent.length;
    }
    request.succeed();
    return 0;
  });
}

int on_cache(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded(-1, [&] {
    CountedRequest request(requests_of(handle), Operation::cache, count);
    volume_of(handle)->prefetch(count, offset);
    request.succeed();
    return 0;
  });
}

}  // namespace

void add_requests(nbdkit_plugin& plugin) {
  plugin.pread = on_pread;
  plugin.pwrite = on_pwrite;
  plugin.zero = on_zero;
  plugin.trim = on_trim;
  plugin.flush = on_flush;
  plugin.extents = on_extents;
  plugin.cache = on_cache;
}

}  // namespace luksdetached
