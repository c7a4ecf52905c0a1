// Any request on a Source that takes only whole blocks.
#pragma once

#include <memory>
#include <string>

#include "base/range_lock.h"
#include "source/source.h"

namespace luksdetached {

/// Gives a Source that accepts only requests aligned to a block the full contract of Source.
///
/// Aligned requests go straight through. Others go through a buffer, and an unaligned write is a
/// read-modify-write which excludes every other write to its blocks.
class BlockAlignedSource final : public Source {
 public:
  /// Owns `inner`. `block` is in bytes, a power of two up to 64 KiB; `inner`'s size is a multiple
  /// of it.
  BlockAlignedSource(std::unique_ptr<Source> inner, std::size_t block);

  const std::string& name() const noexcept override { return inner_->name(); }
  std::uint64_t size() const noexcept override { return inner_->size(); }
  std::uint64_t current_size() override { return inner_->current_size(); }
  std::uint64_t unreachable_bytes() const noexcept override { return inner_->unreachable_bytes(); }
  bool writable() const noexcept override { return inner_->writable(); }
  bool can_flush() const noexcept override { return inner_->can_flush(); }
  bool can_discard() const noexcept override { return inner_->can_discard(); }
  bool can_find_holes() const noexcept override { return inner_->can_find_holes(); }
  bool can_prefetch() const noexcept override { return inner_->can_prefetch(); }
  bool rotational() const noexcept override { return inner_->rotational(); }
  std::size_t preferred_request() const noexcept override { return inner_->preferred_request(); }
  std::size_t preferred_window() const noexcept override { return inner_->preferred_window(); }
  void read(std::span<std::byte> to, std::uint64_t offset) override;
  void read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                  const Arrived& arrived) override;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) override;
  void flush() override { inner_->flush(); }
  std::uint64_t losses() const noexcept override { return inner_->losses(); }
  std::uint64_t reconnects() const noexcept override { return inner_->reconnects(); }
  /// Only the whole blocks in the range.
  void discard(std::uint64_t length, std::uint64_t offset) override;
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override;
  void prefetch(std::uint64_t length, std::uint64_t offset) override;
  void start() override { inner_->start(); }
  void stop_waiting() override { inner_->stop_waiting(); }

 private:
  struct Piece;
  std::uint64_t block_begin(std::uint64_t offset) const { return offset & ~(block_ - 1); }
  std::uint64_t block_end(std::uint64_t offset) const { return block_begin(offset + block_ - 1); }
  Piece next_piece(std::uint64_t offset, std::size_t length) const;
  void modify(const Piece& piece, std::span<const std::byte> from, Durability durability);

  std::unique_ptr<Source> inner_;
  std::uint64_t block_;
  RangeLock lock_;
};

}  // namespace luksdetached
