#include "volume/volume.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace luksdetached {

namespace {

// What is decrypted at once, while it is still in the cache. Of 32 KiB to 4 MiB none was faster,
// with an L2 cache of 1 MiB.
constexpr std::size_t cached_part = std::size_t{256} << 10;

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

// The plain bytes of a write: a client's, or zeros.
class Volume::Plain {
 public:
  explicit Plain(std::span<const std::byte> bytes) : bytes_(bytes.data()), size_(bytes.size()) {}
  static Plain zeros(std::uint64_t size) { return {nullptr, size}; }

  std::uint64_t size() const { return size_; }

  Plain take(std::uint64_t size) {
    const Plain taken(bytes_, size);
    if (bytes_ != nullptr) bytes_ += size;
    size_ -= size;
    return taken;
  }

  void copy_to(std::byte* to) const {
    if (bytes_ == nullptr) {
      std::fill_n(to, size_, std::byte{0});
    } else {
      std::copy_n(bytes_, size_, to);
    }
  }

  // All of it, which must be whole sectors, into `sectors`.
  void encrypt_to(std::span<std::byte> sectors, const SectorCipher& cipher,
                  std::uint64_t first_sector) const {
    if (bytes_ == nullptr) {
      copy_to(sectors.data());
      cipher.encrypt(sectors, sectors, first_sector);
    } else {
      cipher.encrypt({bytes_, size_}, sectors, first_sector);
    }
  }

 private:
  Plain(const std::byte* bytes, std::uint64_t size) : bytes_(bytes), size_(size) {}

  const std::byte* bytes_;  // nullptr for zeros
  std::uint64_t size_;
};

Volume::Volume(std::unique_ptr<Source> payload, std::unique_ptr<SectorCipher> cipher, DataArea area,
               RangeLock& payload_lock, Holes holes)
    : payload_(std::move(payload)),
      cipher_(std::move(cipher)),
      area_(area),
      size_(area.size),
      shows_holes_(holes == Holes::shown),
      piece_bytes_(payload_->preferred_request()),
      window_bytes_(payload_->preferred_window()),
      part_bytes_(std::min(piece_bytes_, cached_part)),
      payload_lock_(payload_lock) {}

std::uint64_t Volume::measure() {
  const std::uint64_t payload = payload_->current_size();
  std::uint64_t known = size_;
  if (payload < area_.offset + known) {
    throw Error(ErrorKind::payload_too_small,
                "payload " + payload_->name() + " has become too small: it has " +
                    std::to_string(payload) + " bytes, and " +
                    std::to_string(area_.offset + known) + " were served; data are missing",
                EIO);
  }
  if (!area_.to_payload_end) return known;
  const std::uint64_t now = sector_begin(payload - area_.offset);
  while (known < now && !size_.compare_exchange_weak(known, now)) {
  }
  return std::max(known, now);
}

std::uint64_t Volume::sector_begin(std::uint64_t offset) const noexcept {
  return offset & ~std::uint64_t{area_.sector_size - 1};  // a power of two
}

std::uint64_t Volume::sector_end(std::uint64_t offset) const noexcept {
  return sector_begin(offset + area_.sector_size - 1);
}

Volume::Piece Volume::piece_at(std::uint64_t offset, std::uint64_t end, std::size_t most) const {
  // Pieces end at multiples of their size, so that only the first and the last can have edges.
  const std::uint64_t piece_end = std::min(end, (offset / most + 1) * most);
  return {offset, piece_end, sector_begin(offset), sector_end(piece_end)};
}

RangeLock::Guard Volume::hold(const Piece& piece, RangeLock::Mode mode) const {
  return {payload_lock_, area_.offset + piece.outer_begin, area_.offset + piece.outer_end, mode};
}

void Volume::read(std::span<std::byte> to, std::uint64_t offset) const {
  const std::uint64_t end = offset + to.size();
  while (offset < end) {
    Piece piece = piece_at(offset, end, window_bytes_);
    if (!piece.is_whole_sectors()) piece = piece_at(offset, end, piece_bytes_);
    const std::span<std::byte> part = to.first(piece.size());
    if (piece.is_whole_sectors()) {
      read_sectors(part, piece);
    } else {
      const std::span<std::byte> sectors = scratch(piece.outer_size());
      read_sectors(sectors, piece);
      const auto wanted = sectors.subspan(piece.begin - piece.outer_begin, part.size());
      std::copy(wanted.begin(), wanted.end(), part.begin());
    }
    to = to.subspan(part.size());
    offset = piece.end;
  }
}

// Decrypts each part while the source may be waiting for others.
void Volume::read_sectors(std::span<std::byte> sectors, const Piece& piece) const {
  std::uint64_t next_sector = piece.outer_begin / area_.sector_size;
  // Shared, so that no half of a sector's read-modify-write is seen.
  const RangeLock::Guard guard = hold(piece, RangeLock::Mode::shared);
  payload_->read_parts(sectors, area_.offset + piece.outer_begin, part_bytes_,
                       [this, &next_sector](std::span<std::byte> part) {
                         if (part.size() % area_.sector_size != 0) std::abort();  // see read_parts
                         cipher_->decrypt(part, part, next_sector);
                         next_sector += part.size() / area_.sector_size;
                       });
}

void Volume::write(std::span<const std::byte> from, std::uint64_t offset, Durability durability,
                   SyncFailures::Witness& client) {
  put(Plain(from), offset, durability, client, [] {});
}

void Volume::zero(std::uint64_t length, std::uint64_t offset, Durability durability,
                  SyncFailures::Witness& client, const std::function<void()>& between) {
  put(Plain::zeros(length), offset, durability, client, between);
}

void Volume::put(Plain plain, std::uint64_t offset, Durability durability,
                 SyncFailures::Witness& client, const std::function<void()>& between) {
  const std::uint64_t end = offset + plain.size();
  const bool one_piece = plain.size() == 0 || piece_at(offset, end, piece_bytes_).end == end;
  // Several pieces are made durable by one flush at the end instead of one each.
  const Durability each = one_piece ? durability : Durability::cached;
  const std::uint64_t losses = payload_->losses();
  put_pieces(plain, offset, each, client, between);
  if (durability == each) return;
  flush(client);
  // What the payload lost before the flush is none of what was flushed.
  if (payload_->losses() != losses) put_pieces(plain, offset, durability, client, between);
}

void Volume::put_pieces(Plain plain, std::uint64_t offset, Durability each,
                        SyncFailures::Witness& client, const std::function<void()>& between) {
  const std::uint64_t end = offset + plain.size();
  while (offset < end) {
    const Piece piece = piece_at(offset, end, piece_bytes_);
    put_piece(piece, plain.take(piece.size()), each, client);
    offset = piece.end;
    if (offset < end) between();
  }
}

void Volume::put_piece(const Piece& piece, const Plain& plain, Durability durability,
                       SyncFailures::Witness& client) {
  const std::size_t sector = area_.sector_size;
  const std::uint64_t first_sector = piece.outer_begin / sector;
  const std::uint64_t payload_offset = area_.offset + piece.outer_begin;
  const std::span<std::byte> sectors = scratch(piece.outer_size());

  if (piece.is_whole_sectors()) {
    plain.encrypt_to(sectors, *cipher_, first_sector);
    const RangeLock::Guard guard = hold(piece, RangeLock::Mode::shared);
    put_sectors(sectors, payload_offset, durability, client);
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
  plain.copy_to(&sectors[piece.begin - piece.outer_begin]);
  cipher_->encrypt(sectors, sectors, first_sector);
  put_sectors(sectors, payload_offset, durability, client);
}

void Volume::put_sectors(std::span<const std::byte> sectors, std::uint64_t payload_offset,
                         Durability durability, SyncFailures::Witness& client) {
  if (durability == Durability::cached) {
    payload_->write(sectors, payload_offset, durability);
  } else {
    sync_failures_.run(client, payload_->name(),
                       [&] { payload_->write(sectors, payload_offset, durability); });
  }
}

void Volume::discard(std::uint64_t length, std::uint64_t offset, Durability durability,
                     SyncFailures::Witness& client, const std::function<void()>& between) {
  // In parts: who waits for one of the locks does not wait for all of it, and ThreadSanitizer
  // follows no more than 64 locks of a thread.
  constexpr std::uint64_t most = std::uint64_t{16} << 20;
  const std::uint64_t end = sector_begin(offset + length);
  for (std::uint64_t at = sector_end(offset); at < end;) {
    const std::uint64_t part = std::min(end - at, most);
    {
      const std::uint64_t begin = area_.offset + at;
      const RangeLock::Guard guard(payload_lock_, begin, begin + part, RangeLock::Mode::shared);
      payload_->discard(part, begin);
    }
    at += part;
    if (at < end) between();
  }
  if (durability == Durability::durable) flush(client);
}

void Volume::flush(SyncFailures::Witness& client) {
  sync_failures_.run(client, payload_->name(), [&] { payload_->flush(); });
}

std::vector<Extent> Volume::extents(std::uint64_t length, std::uint64_t offset,
                                    std::size_t most) const {
  const std::uint64_t begin = sector_begin(offset);
  const std::uint64_t end = offset + length;
  std::vector<Extent> found;
  std::uint64_t told = offset;
  const auto tell = [&](std::uint64_t until, bool hole) {
    until = std::min(until, end);
    if (until <= told) return;
    if (!found.empty() && found.back().hole == hole) {
      found.back().length += until - told;
    } else {
      found.push_back({until - told, hole});
    }
    told = until;
  };

  std::uint64_t hole_begin = begin;  // neighbouring holes are one
  std::uint64_t at = begin;
  for (const Extent& extent :
       payload_->extents(sector_end(end) - begin, area_.offset + begin, most)) {
    at += extent.length;
    if (!extent.hole) {
      hole_begin = at;
    } else if (sector_begin(at) > sector_end(hole_begin)) {
      tell(sector_end(hole_begin), false);
      tell(sector_begin(at), true);
    }
  }
  tell(sector_end(at), false);
  return found;
}

void Volume::prefetch(std::uint64_t length, std::uint64_t offset) const {
  const std::uint64_t begin = sector_begin(offset);
  payload_->prefetch(sector_end(offset + length) - begin, area_.offset + begin);
}

void Volume::start() {
  cipher_->lock_again();
  payload_->start();
}

}  // namespace luksdetached
