#include "source/nbd_lanes.h"

#include <algorithm>
#include <bit>
#include <chrono>

#include "base/error.h"

namespace luksdetached {

namespace {

// The NBD protocol's limits for a server that does not state its own.
constexpr std::size_t default_max_request = std::size_t{32} << 20;
constexpr std::uint32_t max_minimum_block = std::uint32_t{64} << 10;

// A server that is full leaves a connection waiting; the first one was answered already.
constexpr std::chrono::milliseconds further_connection_time = std::chrono::seconds(3);

NbdLimits find_limits(const NbdExport& exported, const std::string& name) {
  const std::uint32_t minimum = exported.minimum_block == 0 ? 1 : exported.minimum_block;
  if (!std::has_single_bit(minimum) || minimum > max_minimum_block) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name + ": its minimum block of " +
                                                   std::to_string(minimum) +
                                                   " bytes is not a power of two up to 65536");
  }
  // The largest value means no limit, and no block size divides it.
  const bool limited = exported.maximum_block != 0 && exported.maximum_block != UINT32_MAX;
  if (limited && (exported.maximum_block < minimum || exported.maximum_block % minimum != 0)) {
    throw Error(ErrorKind::source_unreachable, "cannot use " + name + ": its maximum block of " +
                                                   std::to_string(exported.maximum_block) +
                                                   " bytes is not a multiple of its minimum of " +
                                                   std::to_string(minimum));
  }
  NbdLimits limits;
  limits.block_size = minimum;
  limits.unreachable_bytes = exported.size % minimum;
  limits.size = exported.size - limits.unreachable_bytes;
  limits.max_request = limited ? std::min<std::size_t>(exported.maximum_block, default_max_request)
                               : default_max_request;
  return limits;
}

}  // namespace

NbdLanes::NbdLanes(NbdConnector& connector, unsigned most, const NbdDeadlines& deadlines) {
  connector.prepare();
  lanes_.push_back(std::make_unique<Lane>(connector.connect(deadlines)));
  export_ = lanes_[0]->connection->exported();
  limits_ = find_limits(export_, connector.name());

  NbdDeadlines further = deadlines;
  further.connect = std::min(further.connect, further_connection_time);
  while (export_.multi_conn && lanes_.size() < most) {
    try {
      lanes_.push_back(std::make_unique<Lane>(connector.connect(further)));
    } catch (const Error&) {
      break;  // slower, not wrong
    }
    if (lanes_.back()->connection->exported() != export_) {
      throw Error(ErrorKind::source_unreachable,
                  "cannot use " + connector.name() +
                      ": it offers several connections to one export, but they differ in size or "
                      "abilities");
    }
  }
}

void NbdLanes::start(const std::function<void()>& on_loss) {
  for (const auto& lane : lanes_) lane->connection->start(on_loss);
}

bool NbdLanes::lost() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->connection->lost(); });
}

std::string NbdLanes::loss_reason() const {
  for (const auto& lane : lanes_) {
    if (lane->connection->lost()) return lane->connection->loss_reason();
  }
  return {};
}

void NbdLanes::give_up() noexcept {
  for (const auto& lane : lanes_) lane->connection->give_up();
}

NbdLanes::Turn::Turn(NbdLanes& lanes)
    : lane_([&lanes]() -> Lane& {
        const std::size_t count = lanes.lanes_.size();
        const std::size_t first = count == 1 ? 0 : lanes.next_++ % count;
        Lane* best = lanes.lanes_[first].get();
        for (std::size_t i = 1; i < count; ++i) {
          Lane* lane = lanes.lanes_[(first + i) % count].get();
          if (lane->busy < best->busy) best = lane;
        }
        return *best;
      }()) {
  ++lane_.busy;
}

}  // namespace luksdetached
