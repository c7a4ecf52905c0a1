// Plain bytes in and out; whole encrypted sectors below.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/range_lock.h"
#include "crypto/sector_cipher.h"
#include "source/source.h"
#include "volume/sync_failures.h"

namespace luksdetached {

/// Where the encrypted sectors lie in the payload.
struct DataArea {
  std::uint64_t offset = 0;     ///< bytes from the payload's start to the first sector
  std::uint64_t size = 0;       ///< bytes served; a multiple of sector_size, not 0
  std::size_t sector_size = 0;  ///< 512, 1024, 2048 or 4096
  bool to_payload_end = false;  ///< the size is what the payload leaves, and grows with it
};

/// An unlocked volume: reads and writes plain bytes at any offset and length.
///
/// Thread-safe. A write that is not whole sectors reads the sectors at its edges, changes them and
/// writes them back; it excludes every other access to the same sectors meanwhile. Writes of whole
/// sectors run in parallel. Volumes of the same payload share their lock, so that this holds among
/// them, too. Offsets and lengths are bytes within what `measure()` returned; the caller checks
/// them. Failures are Error(io) with the errno for the client.
///
/// Whoever may ask for durability is a client with a `SyncFailures::Witness` of its own.
class Volume {
 public:
  /// Whether the payload, and whoever looks at it, learns which sectors are in use.
  enum class Holes { hidden, shown };

  /// Takes the payload and the cipher. `area` must lie within the payload. `payload_lock` is for
  /// bytes of the payload and must outlive the volume.
  Volume(std::unique_ptr<Source> payload, std::unique_ptr<SectorCipher> cipher, DataArea area,
         RangeLock& payload_lock, Holes holes = Holes::hidden);

  /// Bytes, as last measured.
  std::uint64_t size() const noexcept { return size_; }
  /// Bytes for a client that comes now: more than before when the payload has grown. Throws
  /// Error(payload_too_small) when it has become too short for what was served.
  std::uint64_t measure();
  std::size_t sector_size() const noexcept { return area_.sector_size; }
  bool writable() const noexcept { return payload_->writable(); }
  /// Can writes be made durable at all? See Source::can_flush.
  bool can_flush() const noexcept { return payload_->can_flush(); }
  /// As those of Source, but never with hidden holes.
  bool can_discard() const noexcept { return shows_holes_ && payload_->can_discard(); }
  bool can_find_holes() const noexcept { return shows_holes_ && payload_->can_find_holes(); }
  bool can_prefetch() const noexcept { return payload_->can_prefetch(); }
  bool rotational() const noexcept { return payload_->rotational(); }
  const SyncFailures& sync_failures() const noexcept { return sync_failures_; }

  void read(std::span<std::byte> to, std::uint64_t offset) const;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability,
             SyncFailures::Witness& client);

  /// As a write of zeros, which costs as much but for the client's part. `length` may be much more
  /// than a client can send: `between` is called every now and then, and what it throws ends it.
  void zero(std::uint64_t length, std::uint64_t offset, Durability durability,
            SyncFailures::Witness& client, const std::function<void()>& between);

  /// The payload may forget the whole sectors in the range: what is read there afterwards is not
  /// zero but noise. The parts of sectors at its edges stay as they are. Only if `can_discard()`.
  /// `between` as with `zero`.
  void discard(std::uint64_t length, std::uint64_t offset, Durability durability,
               SyncFailures::Witness& client, const std::function<void()>& between);

  /// Every write that returned before is on the payload's stable storage afterwards.
  void flush(SyncFailures::Witness& client);

  /// As Source::extents, about `most` of them. Only sectors for which the payload keeps nothing are
  /// holes; reading them gives noise. Only if `can_find_holes()`.
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset, std::size_t most) const;

  /// A range will be read soon.
  void prefetch(std::uint64_t length, std::uint64_t offset) const;

  /// Called once in the process that will serve, after nbdkit forked: locks the key schedule into
  /// memory again and lets the payload start its threads.
  void start();

  /// As Source::reconnects.
  std::uint64_t reconnects() const noexcept { return payload_->reconnects(); }

  /// As Source::stop_waiting.
  void stop_waiting() { payload_->stop_waiting(); }

 private:
  struct Piece;
  class Plain;
  Piece piece_at(std::uint64_t offset, std::uint64_t end, std::size_t most) const;
  void read_sectors(std::span<std::byte> sectors, const Piece& piece) const;
  RangeLock::Guard hold(const Piece& piece, RangeLock::Mode mode) const;
  void put(Plain plain, std::uint64_t offset, Durability durability, SyncFailures::Witness& client,
           const std::function<void()>& between);
  void put_pieces(Plain plain, std::uint64_t offset, Durability each, SyncFailures::Witness& client,
                  const std::function<void()>& between);
  void put_piece(const Piece& piece, const Plain& plain, Durability durability,
                 SyncFailures::Witness& client);
  void put_sectors(std::span<const std::byte> sectors, std::uint64_t payload_offset,
                   Durability durability, SyncFailures::Witness& client);
  std::uint64_t sector_begin(std::uint64_t offset) const noexcept;
  std::uint64_t sector_end(std::uint64_t offset) const noexcept;

  std::unique_ptr<Source> payload_;
  std::unique_ptr<SectorCipher> cipher_;
  DataArea area_;
  std::atomic<std::uint64_t> size_;  // bytes
  bool shows_holes_;
  SyncFailures sync_failures_;
  std::size_t piece_bytes_;   // most bytes written at once
  std::size_t window_bytes_;  // most bytes of whole sectors read at once
  std::size_t part_bytes_;    // and decrypted at once
  RangeLock& payload_lock_;
};

}  // namespace luksdetached
