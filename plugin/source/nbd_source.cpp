#include "source/nbd_source.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace luksdetached {

namespace {

// The NBD protocol's limits for a server that does not state its own.
constexpr std::size_t default_max_request = std::size_t{32} << 20;
constexpr std::uint32_t max_minimum_block = std::uint32_t{64} << 10;

// preferred_request() is a multiple of the first and never more than the second.
constexpr std::size_t request_unit = std::size_t{64} << 10;
constexpr std::size_t enough = std::size_t{1} << 20;

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
                     const NbdDeadlines& deadlines)
    : name_(uri.name) {
  lanes_.push_back(std::make_unique<Lane>(uri, deadlines));
  const NbdExport exported = lanes_[0]->connection.exported();
  check_limits(exported);
  can_flush_ = exported.can_flush;
  can_fua_ = exported.can_fua;
  writable_ = access == Access::read_write && !exported.read_only;

  NbdDeadlines further = deadlines;
  further.connect = std::min(further.connect, further_connection_time);
  while (exported.multi_conn && lanes_.size() < connections) {
    try {
      lanes_.push_back(std::make_unique<Lane>(uri, further));
    } catch (const Error&) {
      break;  // slower, not wrong
    }
    if (lanes_.back()->connection.exported() != exported) {
      throw Error(ErrorKind::source_unreachable,
                  "cannot use " + name_ +
                      ": it offers several connections to one export, but they differ in size or "
                      "abilities");
    }
  }
}

void NbdSource::check_limits(const NbdExport& exported) {
  const std::uint32_t minimum = exported.minimum_block == 0 ? 1 : exported.minimum_block;
  if (!std::has_single_bit(minimum) || minimum > max_minimum_block) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name_ + ": its minimum block of " +
                                                   std::to_string(minimum) +
                                                   " bytes is not a power of two up to 65536");
  }
  // The largest value means no limit, and no block size divides it.
  const bool limited = exported.maximum_block != 0 && exported.maximum_block != UINT32_MAX;
  if (limited && (exported.maximum_block < minimum || exported.maximum_block % minimum != 0)) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name_ + ": its maximum block of " +
                                                   std::to_string(exported.maximum_block) +
                                                   " bytes is not a multiple of its minimum of " +
                                                   std::to_string(minimum));
  }
  block_size_ = minimum;
  unreachable_bytes_ = exported.size % minimum;
  size_ = exported.size - unreachable_bytes_;
  max_request_ = limited ? std::min<std::size_t>(exported.maximum_block, default_max_request)
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

void NbdSource::write(std::span<const std::byte> from, std::uint64_t offset,
                      Durability durability) {
  if (from.empty()) return;
  Turn turn(*this);
  const bool durable = durability == Durability::durable;
  const bool fua = can_fua_ && (durable || !can_flush_);
  while (!from.empty()) {
    const std::size_t length = std::min(from.size(), max_request_);
    turn->write(from.first(length), offset, fua);
    from = from.subspan(length);
    offset += length;
  }
  if (durable && !fua && can_flush_) turn->flush();
}

void NbdSource::flush() {
  // With multi-conn one connection's flush covers the writes of all.
  if (writable_ && can_flush_) Turn(*this)->flush();
}

void NbdSource::start() {
  for (const auto& lane : lanes_) lane->connection.start();
}

}  // namespace luksdetached
