// The only door to bytes: whatever holds a header or a payload is a Source.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace luksdetached {

/// How a source is opened.
enum class Access {
  read_only,   ///< never written, never locked
  read_write,  ///< written where the storage allows it, else `writable()` is false
};

/// What must be true when a write returns.
enum class Durability {
  cached,   ///< accepted; a later flush makes it durable
  durable,  ///< on stable storage (NBD's FUA)
};

/// A run of bytes and whether the storage keeps anything for it.
struct Extent {
  std::uint64_t length = 0;  ///< bytes, not 0
  bool hole = false;         ///< nothing is stored; what is read there says nothing

  bool operator==(const Extent&) const = default;
};

/// A sequence of bytes on some storage.
///
/// All members may be called from any thread at any time after `start()`; before it only from the
/// thread that opened the source. Offsets and lengths are in bytes, any alignment is allowed, and
/// offset + length must not exceed `size()`. Failures throw Error with the errno for the client;
/// after one, the next call is independent of it.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// What to call it in messages and logs: the path or URI, redacted.
  virtual const std::string& name() const noexcept = 0;

  /// Bytes, as found when it was opened.
  virtual std::uint64_t size() const noexcept = 0;

  /// Bytes that the storage has now, where that can be asked again; else `size()`. Throws
  /// Error(io).
  virtual std::uint64_t current_size() { return size(); }

  /// Bytes that the storage has behind `size()` and that cannot be asked for.
  virtual std::uint64_t unreachable_bytes() const noexcept { return 0; }

  /// False when opened read-only or when the storage does not allow writing.
  virtual bool writable() const noexcept = 0;

  /// False when there is no way to ask the storage for durability, as with an NBD server that has
  /// neither flush nor FUA: `flush` does nothing then, and clients must not be promised anything.
  virtual bool can_flush() const noexcept { return true; }

  /// Can the storage give up bytes that nobody needs? Else `discard` does nothing.
  virtual bool can_discard() const noexcept { return false; }

  /// Can it be asked where it has holes? Else everything is data.
  virtual bool can_find_holes() const noexcept { return false; }

  /// Can it be told what will be read soon? Else `prefetch` does nothing.
  virtual bool can_prefetch() const noexcept { return false; }

  /// Does access in order pay, as on a spinning disk? A hint.
  virtual bool rotational() const noexcept { return false; }

  /// A good upper bound for the bytes of one read or write: larger requests are allowed, but the
  /// caller loses cache locality or gains nothing. A multiple of 64 KiB.
  virtual std::size_t preferred_request() const noexcept = 0;

  /// A good upper bound for the bytes of one `read_parts`: more than one request where answers take
  /// their time, so that several are waited for together. A multiple of `preferred_request()`.
  virtual std::size_t preferred_window() const noexcept { return preferred_request(); }

  /// Fills all of `to`, or throws.
  virtual void read(std::span<std::byte> to, std::uint64_t offset) = 0;

  /// Gets a part of what is read.
  using Arrived = std::function<void(std::span<std::byte> part)>;

  /// As `read`, but calls `arrived` for each part of `to`, in order, as soon as it is there, while
  /// later ones may still be on their way. Parts have `part` bytes, the last one maybe fewer. When
  /// it throws, also for `arrived`, nothing further is written to `to`.
  virtual void read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                          const Arrived& arrived) {
    while (!to.empty()) {
      const std::span<std::byte> next = to.first(std::min(part, to.size()));
      read(next, offset);
      arrived(next);
      to = to.subspan(next.size());
      offset += next.size();
    }
  }

  /// Writes all of `from`, or throws; after a throw any part may have been written.
  /// Only when `writable()`.
  virtual void write(std::span<const std::byte> from, std::uint64_t offset,
                     Durability durability) = 0;

  /// Returns when every write that returned before is on stable storage, or throws.
  virtual void flush() = 0;

  /// Grows when the storage may have lost what was written to it and not flushed yet, although it
  /// was accepted, and no flush will tell: as when a server went away and came back.
  virtual std::uint64_t losses() const noexcept { return 0; }

  /// How many times the storage went away and came back.
  virtual std::uint64_t reconnects() const noexcept { return 0; }

  /// The storage may forget these bytes; whatever is read there until they are written again. A
  /// hint that storage may ignore, whole or in part. Only when `writable()`.
  virtual void discard(std::uint64_t /*length*/, std::uint64_t /*offset*/) {}

  /// The extents from `offset` on, at least one and together at most `length` bytes, which is not
  /// 0; they may end sooner. Not many more than `most` (at least 1): the caller has no use for
  /// them, and to find them takes time.
  virtual std::vector<Extent> extents(std::uint64_t length, std::uint64_t /*offset*/,
                                      std::size_t /*most*/) {
    return {{length, false}};
  }

  /// These bytes will be read soon. A hint; returns without waiting for them where it can.
  virtual void prefetch(std::uint64_t /*length*/, std::uint64_t /*offset*/) {}

  /// Called once, in the process that will serve: after nbdkit forked, threads may start.
  virtual void start() {}

  /// The process is to end: requests no longer wait for storage that went away.
  virtual void stop_waiting() {}
};

}  // namespace luksdetached
