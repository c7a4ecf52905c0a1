// The only door to bytes: whatever holds a header or a payload is a Source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

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

/// A sequence of bytes of fixed size on some storage.
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

  /// Bytes that the storage has behind `size()` and that cannot be asked for.
  virtual std::uint64_t unreachable_bytes() const noexcept { return 0; }

  /// False when opened read-only or when the storage does not allow writing.
  virtual bool writable() const noexcept = 0;

  /// False when there is no way to ask the storage for durability, as with an NBD server that has
  /// neither flush nor FUA: `flush` does nothing then, and clients must not be promised anything.
  virtual bool can_flush() const noexcept { return true; }

  /// A good upper bound for the bytes of one read or write: larger requests are allowed, but the
  /// caller loses cache locality or gains nothing. A multiple of 64 KiB.
  virtual std::size_t preferred_request() const noexcept = 0;

  /// Fills all of `to`, or throws.
  virtual void read(std::span<std::byte> to, std::uint64_t offset) = 0;

  /// Writes all of `from`, or throws; after a throw any part may have been written.
  /// Only when `writable()`.
  virtual void write(std::span<const std::byte> from, std::uint64_t offset,
                     Durability durability) = 0;

  /// Returns when every write that returned before is on stable storage, or throws.
  virtual void flush() = 0;

  /// Called once, in the process that will serve: after nbdkit forked, threads may start.
  virtual void start() {}
};

}  // namespace luksdetached
