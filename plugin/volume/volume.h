// Plain bytes in and out; whole encrypted sectors below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/range_lock.h"
#include "crypto/sector_cipher.h"
#include "source/source.h"

namespace luksdetached {

/// Where the encrypted sectors lie in the payload.
struct DataArea {
  std::uint64_t offset = 0;     ///< bytes from the payload's start to the first sector
  std::uint64_t size = 0;       ///< bytes served; a multiple of sector_size, not 0
  std::size_t sector_size = 0;  ///< 512, 1024, 2048 or 4096
};

/// An unlocked volume: reads and writes plain bytes at any offset and length.
///
/// Thread-safe. A write that is not whole sectors reads the sectors at its edges, changes them and
/// writes them back; it excludes every other access to the same sectors meanwhile. Writes of whole
/// sectors run in parallel. Volumes of the same payload share their lock, so that this holds among
/// them, too. Offsets and lengths are bytes within `size()`; the caller checks them.
/// Failures are Error(io) with the errno for the client.
class Volume {
 public:
  /// Takes the payload and the cipher. `area` must lie within the payload. `payload_lock` is for
  /// bytes of the payload and must outlive the volume.
  Volume(std::unique_ptr<Source> payload, std::unique_ptr<SectorCipher> cipher, DataArea area,
         RangeLock& payload_lock);

  std::uint64_t size() const noexcept { return area_.size; }
  std::size_t sector_size() const noexcept { return area_.sector_size; }
  bool writable() const noexcept { return payload_->writable(); }
  /// Can writes be made durable at all? See Source::can_flush.
  bool can_flush() const noexcept { return payload_->can_flush(); }

  void read(std::span<std::byte> to, std::uint64_t offset) const;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability);

  /// Every write that returned before is on the payload's stable storage afterwards.
  void flush();

  /// Called once in the process that will serve, after nbdkit forked: locks the key schedule into
  /// memory again and lets the payload start its threads.
  void start();

 private:
  struct Piece;
  Piece piece_at(std::uint64_t offset, std::uint64_t end) const;
  RangeLock::Guard hold(const Piece& piece, RangeLock::Mode mode) const;
  void write_piece(const Piece& piece, std::span<const std::byte> from, Durability durability);

  std::unique_ptr<Source> payload_;
  std::unique_ptr<SectorCipher> cipher_;
  DataArea area_;
  std::size_t piece_bytes_;  // most bytes handled at once
  RangeLock& payload_lock_;
};

}  // namespace luksdetached
