#include "source/block_aligned_source.h"

#include <algorithm>
#include <utility>

namespace luksdetached {

namespace {

// The buffer's memory is written before it is read, so it is not cleared first.
class Bounce {
 public:
  explicit Bounce(std::uint64_t size)
      : size_(size), bytes_(std::make_unique_for_overwrite<std::byte[]>(size)) {}
  std::span<std::byte> span() { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace

// The next part of a request, and the whole blocks that it lies in.
struct BlockAlignedSource::Piece {
  std::uint64_t begin;  // of the blocks
  std::uint64_t end;
  std::size_t skip;    // bytes of the first block before the part
  std::size_t length;  // of the part
  bool aligned;        // the part is its blocks: skip is 0 and length is end - begin
};

BlockAlignedSource::BlockAlignedSource(std::unique_ptr<Source> inner, std::size_t block)
    : inner_(std::move(inner)), block_(block) {}

// A small request is one piece. Of a large one the whole blocks in the middle are a piece without
// a copy, once its start is aligned.
BlockAlignedSource::Piece BlockAlignedSource::next_piece(std::uint64_t offset,
                                                         std::size_t length) const {
  const std::uint64_t last = offset + length;
  const std::uint64_t begin = block_begin(offset);
  const std::uint64_t limit = begin + inner_->preferred_request();
  if (begin == offset && (last == block_begin(last) || last > limit)) {
    const std::uint64_t end = block_begin(last);
    return {begin, end, 0, end - begin, true};
  }
  const std::uint64_t end = std::min(block_end(last), limit);
  return {begin, end, offset - begin, std::min(last, end) - offset, false};
}

void BlockAlignedSource::read(std::span<std::byte> to, std::uint64_t offset) {
  while (!to.empty()) {
    const Piece piece = next_piece(offset, to.size());
    if (piece.aligned) {
      inner_->read(to.first(piece.length), piece.begin);
    } else {
      Bounce bounce(piece.end - piece.begin);
      inner_->read(bounce.span(), piece.begin);
      const auto part = bounce.span().subspan(piece.skip, piece.length);
      std::copy(part.begin(), part.end(), to.begin());
    }
    to = to.subspan(piece.length);
    offset += piece.length;
  }
}

void BlockAlignedSource::read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                                    const Arrived& arrived) {
  const bool aligned = ((offset | to.size() | part) & (block_ - 1)) == 0;
  if (aligned) {
    inner_->read_parts(to, offset, part, arrived);
  } else {
    Source::read_parts(to, offset, part, arrived);
  }
}

void BlockAlignedSource::write(std::span<const std::byte> from, std::uint64_t offset,
                               Durability durability) {
  while (!from.empty()) {
    const Piece piece = next_piece(offset, from.size());
    const auto part = from.first(piece.length);
    if (piece.aligned) {
      const RangeLock::Guard guard(lock_, piece.begin, piece.end, RangeLock::Mode::shared);
      inner_->write(part, piece.begin, durability);
    } else {
      const RangeLock::Guard guard(lock_, piece.begin, piece.end, RangeLock::Mode::exclusive);
      modify(piece, part, durability);
    }
    from = from.subspan(piece.length);
    offset += piece.length;
  }
}

void BlockAlignedSource::modify(const Piece& piece, std::span<const std::byte> from,
                                Durability durability) {
  Bounce bounce(piece.end - piece.begin);
  const auto blocks = bounce.span();
  const bool covers_first = piece.skip == 0 && piece.length >= block_;
  const bool covers_last = piece.skip + piece.length == blocks.size();
  if (!covers_first) inner_->read(blocks.first(block_), piece.begin);
  if (!covers_last && (covers_first || blocks.size() > block_)) {
    inner_->read(blocks.last(block_), piece.end - block_);
  }
  std::copy(from.begin(), from.end(), blocks.begin() + static_cast<std::ptrdiff_t>(piece.skip));
  inner_->write(blocks, piece.begin, durability);
}

void BlockAlignedSource::discard(std::uint64_t length, std::uint64_t offset) {
  const std::uint64_t begin = block_end(offset);
  const std::uint64_t end = block_begin(offset + length);
  if (begin >= end) return;
  const RangeLock::Guard guard(lock_, begin, end, RangeLock::Mode::shared);
  inner_->discard(end - begin, begin);
}

// Of whole blocks around the range, then cut to it.
std::vector<Extent> BlockAlignedSource::extents(std::uint64_t length, std::uint64_t offset,
                                                std::size_t most) {
  const std::uint64_t begin = block_begin(offset);
  std::uint64_t before = offset - begin;
  std::vector<Extent> found;
  for (Extent extent : inner_->extents(block_end(offset + length) - begin, begin, most)) {
    const std::uint64_t cut = std::min(before, extent.length);
    before -= cut;
    extent.length = std::min(extent.length - cut, length);
    length -= extent.length;
    if (extent.length != 0) found.push_back(extent);
  }
  if (found.empty()) found.push_back({length, false});  // it said nothing of the range itself
  return found;
}

void BlockAlignedSource::prefetch(std::uint64_t length, std::uint64_t offset) {
  const std::uint64_t begin = block_begin(offset);
  inner_->prefetch(block_end(offset + length) - begin, begin);
}

}  // namespace luksdetached
