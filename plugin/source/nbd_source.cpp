#include "source/nbd_source.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>

#include "base/error.h"

namespace luksdetached {

namespace {

// The NBD protocol's limits for a server that does not state its own.
constexpr std::size_t default_max_request = std::size_t{32} << 20;
constexpr std::uint32_t max_minimum_block = std::uint32_t{64} << 10;

// preferred_request() is a multiple of the first and never more than the second.
constexpr std::size_t request_unit = std::size_t{64} << 10;
constexpr std::size_t enough = std::size_t{1} << 20;

// Requests without data are limited by their length's 32 bits alone.
constexpr std::uint64_t max_dataless_request = std::uint64_t{1} << 30;

template <typename Command>
void in_parts(std::uint64_t length, std::uint64_t offset, Command command) {
  for (const std::uint64_t end = offset + length; offset < end;) {
    const std::uint64_t part = std::min(end - offset, max_dataless_request);
    command(part, offset);
    offset += part;
  }
}

// A server that is full leaves a connection waiting; the first one was answered already.
constexpr std::chrono::milliseconds further_connection_time = std::chrono::seconds(3);

}  // namespace

// Takes the lane with the fewest requests, the first ones in turn among equals. Lanes that lost
// their connection are taken only when no other is left.
class NbdSource::Turn {
 public:
  explicit Turn(NbdSource& source) : lane_(choose(source)) { ++lane_.busy; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { --lane_.busy; }
  NbdConnection* operator->() { return &lane_.connection; }
  bool lost() const { return lane_.connection.lost(); }

 private:
  static Lane& choose(NbdSource& source) {
    const std::size_t count = source.lanes_.size();
    const std::size_t first = count == 1 ? 0 : source.next_++ % count;
    Lane* best = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      Lane* lane = source.lanes_[(first + i) % count].get();
      if (lane->connection.lost()) continue;
      if (best == nullptr || lane->busy < best->busy) best = lane;
    }
    return best == nullptr ? *source.lanes_[first] : *best;
  }

  Lane& lane_;
};

NbdSource::NbdSource(const Uri& uri, Access access, unsigned connections,
                     const NbdDeadlines& deadlines, NbdHoles holes)
    : name_(uri.name) {
  lanes_.push_back(std::make_unique<Lane>(uri, deadlines, holes));
  export_ = lanes_[0]->connection.exported();
  check_limits();
  writable_ = access == Access::read_write && !export_.read_only;

  NbdDeadlines further = deadlines;
  further.connect = std::min(further.connect, further_connection_time);
  while (export_.multi_conn && lanes_.size() < connections) {
    try {
      lanes_.push_back(std::make_unique<Lane>(uri, further, holes));
    } catch (const Error&) {
      break;  // slower, not wrong
    }
    if (lanes_.back()->connection.exported() != export_) {
      throw Error(ErrorKind::source_unreachable,
                  "cannot use " + name_ +
                      ": it offers several connections to one export, but they differ in size or "
                      "abilities");
    }
  }
}

void NbdSource::check_limits() {
  const std::uint32_t minimum = export_.minimum_block == 0 ? 1 : export_.minimum_block;
  if (!std::has_single_bit(minimum) || minimum > max_minimum_block) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name_ + ": its minimum block of " +
                                                   std::to_string(minimum) +
                                                   " bytes is not a power of two up to 65536");
  }
  // The largest value means no limit, and no block size divides it.
  const bool limited = export_.maximum_block != 0 && export_.maximum_block != UINT32_MAX;
  if (limited && (export_.maximum_block < minimum || export_.maximum_block % minimum != 0)) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name_ + ": its maximum block of " +
                                                   std::to_string(export_.maximum_block) +
                                                   " bytes is not a multiple of its minimum of " +
                                                   std::to_string(minimum));
  }
  block_size_ = minimum;
  unreachable_bytes_ = export_.size % minimum;
  size_ = export_.size - unreachable_bytes_;
  max_request_ = limited ? std::min<std::size_t>(export_.maximum_block, default_max_request)
                         : default_max_request;
  preferred_request_ =
      std::max(std::min(max_request_, enough) / request_unit * request_unit, request_unit);
}

void NbdSource::read(std::span<std::byte> to, std::uint64_t offset) {
  if (to.empty()) return;
  Turn turn(*this);
  while (!to.empty()) {
    const std::size_t length = std::min(to.size(), max_request_);
    turn->read(to.first(length), offset);
    to = to.subspan(length);
    offset += length;
  }
}

void NbdSource::refuse_unsettled(std::uint64_t length, std::uint64_t offset) {
  if (!any_unsettled_) return;
  const std::lock_guard lock(unsettled_mutex_);
  for (const Range& range : unsettled_) {
    if (range.end <= offset || offset + length <= range.begin) continue;
    throw Error(ErrorKind::io,
                "cannot write " + std::to_string(length) + " bytes at " + std::to_string(offset) +
                    " of " + name_ +
                    ": a connection was lost while bytes there were written, and the server may "
                    "still write those; nothing else can be written there until the volume is "
                    "opened anew",
                EIO);
  }
}

// Runs one request that changes a range. When its connection is lost, what becomes of it is open.
template <typename Request>
void NbdSource::change(Turn& turn, std::uint64_t length, std::uint64_t offset, Request request) {
  refuse_unsettled(length, offset);
  try {
    request();
  } catch (const Error&) {
    const bool others_are_left = std::any_of(
        lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane->connection.lost(); });
    if (turn.lost() && others_are_left) {
      const std::lock_guard lock(unsettled_mutex_);
      unsettled_.push_back({offset, offset + length});
      any_unsettled_ = true;
    }
    throw;
  }
}

void NbdSource::write(std::span<const std::byte> from, std::uint64_t offset,
                      Durability durability) {
  if (from.empty()) return;
  Turn turn(*this);
  const bool durable = durability == Durability::durable;
  const bool fua = export_.can_fua && (durable || !export_.can_flush);
  while (!from.empty()) {
    const std::size_t length = std::min(from.size(), max_request_);
    change(turn, length, offset, [&] { turn->write(from.first(length), offset, fua); });
    from = from.subspan(length);
    offset += length;
  }
  if (durable && !fua && export_.can_flush) turn->flush();
}

void NbdSource::flush() {
  // With multi-conn one connection's flush covers the writes of all.
  if (writable_ && export_.can_flush) Turn(*this)->flush();
}

void NbdSource::discard(std::uint64_t length, std::uint64_t offset) {
  if (!can_discard()) return;
  Turn turn(*this);
  in_parts(length, offset, [&](std::uint64_t part, std::uint64_t at) {
    change(turn, part, at, [&] { turn->trim(part, at); });
  });
}

void NbdSource::prefetch(std::uint64_t length, std::uint64_t offset) {
  if (!can_prefetch()) return;
  Turn turn(*this);
  in_parts(length, offset, [&](auto... part) { turn->cache(part...); });
}

std::vector<Extent> NbdSource::extents(std::uint64_t length, std::uint64_t offset,
                                       std::size_t most) {
  if (!can_find_holes()) return {{length, false}};
  return Turn(*this)->block_status(std::min(length, max_dataless_request), offset, most);
}

void NbdSource::start() {
  for (const auto& lane : lanes_) lane->connection.start();
}

}  // namespace luksdetached
