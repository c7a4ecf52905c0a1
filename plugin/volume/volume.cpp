#include "volume/volume.h"

#include <algorithm>
#include <vector>

namespace luksdetached {

namespace {

// Ciphertext on its way to or from the payload. One per thread: it is used within one call only.
std::span<std::byte> scratch(std::size_t bytes) {
  thread_local std::vector<std::byte> buffer;
  if (buffer.size() < bytes) buffer.resize(bytes);
  return {buffer.data(), bytes};
}

}  // namespace

// A part of a request that is handled at once, and the whole sectors around it.
struct Volume::Piece {
  std::uint64_t begin, end;              // bytes of the volume that were asked for
  std::uint64_t outer_begin, outer_end;  // rounded to whole sectors

  bool is_whole_sectors() const { return begin == outer_begin && end == outer_end; }
  std::size_t size() const { return end - begin; }
  std::size_t outer_size() const { return outer_end - outer_begin; }
};

Volume::Volume(std::unique_ptr<Source> payload, std::unique_ptr<SectorCipher> cipher, DataArea area,
               RangeLock& payload_lock)
    : payload_(std::move(payload)),
      cipher_(std::move(cipher)),
      area_(area),
      piece_bytes_(payload_->preferred_request()),
      payload_lock_(payload_lock) {}

Volume::Piece Volume::piece_at(std::uint64_t offset, std::uint64_t end) const {
  // Pieces end at multiples of their size, so that only the first and the last can have edges.
  const std::uint64_t sector = area_.sector_size;
  const std::uint64_t piece_end = std::min(end, (offset / piece_bytes_ + 1) * piece_bytes_);
  return {offset, piece_end, offset / sector * sector, (piece_end + sector - 1) / sector * sector};
}

RangeLock::Guard Volume::hold(const Piece& piece, RangeLock::Mode mode) const {
  return {payload_lock_, area_.offset + piece.outer_begin, area_.offset + piece.outer_end, mode};
}

void Volume::read(std::span<std::byte> to, std::uint64_t offset) const {
  const std::uint64_t end = offset + to.size();
  while (offset < end) {
    const Piece piece = piece_at(offset, end);
    const std::span<std::byte> part = to.first(piece.size());
    const std::span<std::byte> sectors =
        piece.is_whole_sectors() ? part : scratch(piece.outer_size());
    const std::uint64_t first_sector = piece.outer_begin / area_.sector_size;
    {
      // Shared, so that no half of a sector's read-modify-write is seen.
      const RangeLock::Guard guard = hold(piece, RangeLock::Mode::shared);
      payload_->read(sectors, area_.offset + piece.outer_begin);
    }
    cipher_->decrypt(sectors, sectors, first_sector);
    if (!piece.is_whole_sectors()) {
      const auto wanted = sectors.subspan(piece.begin - piece.outer_begin, part.size());
      std::copy(wanted.begin(), wanted.end(), part.begin());
    }
    to = to.subspan(part.size());
    offset = piece.end;
  }
}

void Volume::write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) {
  const std::uint64_t end = offset + from.size();
  const bool one_piece = from.empty() || piece_at(offset, end).end == end;
  // Several pieces are made durable by one flush at the end instead of one each.
  const Durability each = one_piece ? durability : Durability::cached;
  while (offset < end) {
    const Piece piece = piece_at(offset, end);
    write_piece(piece, from.first(piece.size()), each);
    from = from.subspan(piece.size());
    offset = piece.end;
  }
  if (durability != each) payload_->flush();
}

void Volume::write_piece(const Piece& piece, std::span<const std::byte> from,
                         Durability durability) {
  const std::size_t sector = area_.sector_size;
  const std::uint64_t first_sector = piece.outer_begin / sector;
  const std::uint64_t payload_offset = area_.offset + piece.outer_begin;
  const std::span<std::byte> sectors = scratch(piece.outer_size());

  if (piece.is_whole_sectors()) {
    cipher_->encrypt(from, sectors, first_sector);
    const RangeLock::Guard guard = hold(piece, RangeLock::Mode::shared);
    payload_->write(sectors, payload_offset, durability);
    return;
  }

  const RangeLock::Guard guard = hold(piece, RangeLock::Mode::exclusive);
  const auto load_sector = [&](std::size_t at) {
    const std::span<std::byte> edge = sectors.subspan(at, sector);
    payload_->read(edge, payload_offset + at);
    cipher_->decrypt(edge, edge, first_sector + at / sector);
  };
  const std::size_t last = piece.outer_size() - sector;
  const bool partial_first = piece.begin != piece.outer_begin;
  const bool partial_last = piece.end != piece.outer_end;
  if (partial_first) load_sector(0);
  if (partial_last && !(partial_first && last == 0)) load_sector(last);
  std::copy(from.begin(), from.end(),
            sectors.begin() + static_cast<std::ptrdiff_t>(piece.begin - piece.outer_begin));
  cipher_->encrypt(sectors, sectors, first_sector);
  payload_->write(sectors, payload_offset, durability);
}

void Volume::flush() {
  payload_->flush();
}

void Volume::start() {
  cipher_->lock_again();
  payload_->start();
}

}  // namespace luksdetached
