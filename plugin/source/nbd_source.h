// A Source on an NBD server.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "source/nbd_connection.h"
#include "source/source.h"

namespace luksdetached {

/// An NBD export, over one connection or, where the server offers multi-conn, several.
///
/// A write or discard whose connection is lost has failed here, but the server may still carry it
/// out, at any time: over what another connection wrote there meanwhile. Therefore nothing is
/// written to its range any more.
///
/// Unlike other Sources it takes only requests that are aligned to `block_size()`;
/// BlockAlignedSource adds the rest.
class NbdSource final : public Source {
 public:
  /// Connects; at most `connections` (at least 1) times, and only once to a server that does not
  /// offer multi-conn. Servers limit how many clients they serve: what a further connection is not
  /// given within a few seconds is done without.
  ///
  /// Throws as NbdConnection does, and Error(source_unreachable) when what the server says of its
  /// export is impossible or differs between connections.
  NbdSource(const Uri& uri, Access access, unsigned connections,
            const NbdDeadlines& deadlines = NbdDeadlines{}, NbdHoles holes = NbdHoles::unwanted);

  const std::string& name() const noexcept override { return name_; }
  /// A multiple of `block_size()`: what the server has beyond it cannot be asked for.
  std::uint64_t size() const noexcept override { return size_; }
  std::uint64_t unreachable_bytes() const noexcept override { return unreachable_bytes_; }
  bool writable() const noexcept override { return writable_; }
  bool can_flush() const noexcept override { return export_.can_flush || export_.can_fua; }
  bool can_discard() const noexcept override { return writable_ && export_.can_trim; }
  bool can_find_holes() const noexcept override { return export_.can_find_holes; }
  bool can_prefetch() const noexcept override { return export_.can_cache; }
  bool rotational() const noexcept override { return export_.rotational; }
  std::size_t preferred_request() const noexcept override { return preferred_request_; }
  void read(std::span<std::byte> to, std::uint64_t offset) override;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) override;
  /// On a server without flush it does nothing. When such a server has FUA every write is sent with
  /// it instead; without either `can_flush()` is false.
  void flush() override;
  void discard(std::uint64_t length, std::uint64_t offset) override;
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override;
  void prefetch(std::uint64_t length, std::uint64_t offset) override;
  void start() override;

  /// Bytes, a power of two: offset and length of every request must be multiples of it.
  std::uint32_t block_size() const noexcept { return block_size_; }

  std::size_t connections() const noexcept { return lanes_.size(); }

 private:
  struct Lane {
    Lane(const Uri& uri, const NbdDeadlines& deadlines, NbdHoles holes)
        : connection(uri, deadlines, holes) {}
    NbdConnection connection;
    std::atomic<unsigned> busy = 0;  // requests in flight
  };
  class Turn;  // one request's use of the least busy lane

  struct Range {
    std::uint64_t begin, end;
  };

  template <typename Request>
  void change(Turn& turn, std::uint64_t length, std::uint64_t offset, Request request);
  void refuse_unsettled(std::uint64_t length, std::uint64_t offset);

  void check_limits();

  std::string name_;
  NbdExport export_;  // what the first connection was told, and every further one
  std::uint64_t size_ = 0;
  std::uint64_t unreachable_bytes_ = 0;
  std::uint32_t block_size_ = 1;
  std::size_t max_request_ = 0;  // bytes, a multiple of block_size_
  std::size_t preferred_request_ = 0;
  bool writable_ = false;
  std::atomic<unsigned> next_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;

  std::atomic<bool> any_unsettled_ = false;  // so that writes need no common lock
  std::mutex unsettled_mutex_;               // guards what follows
  std::vector<Range> unsettled_;             // see `change`
};

}  // namespace luksdetached
