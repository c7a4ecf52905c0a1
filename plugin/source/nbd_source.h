// A Source on an NBD server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/nbd_link.h"
#include "source/source.h"

namespace luksdetached {

/// An NBD export, whose server may go away and come back while it is used: requests then wait for
/// it, and those that were not answered are sent again.
///
/// A change that is sent again may be carried out twice. Since nothing that came later to the same
/// place was sent in between (see NbdLink), it does no harm.
///
/// Unlike other Sources it takes only requests that are aligned to `block_size()`;
/// BlockAlignedSource adds the rest.
class NbdSource final : public Source {
 public:
  /// Connects. Throws as NbdLink does.
  NbdSource(std::unique_ptr<NbdConnector> connector, Access access, NbdLinkOptions options);

  const std::string& name() const noexcept override { return link_.name(); }
  /// A multiple of `block_size()`: what the server has beyond it cannot be asked for.
  std::uint64_t size() const noexcept override { return limits_.size; }
  std::uint64_t current_size() override { return link_.size(); }
  std::uint64_t unreachable_bytes() const noexcept override { return limits_.unreachable_bytes; }
  bool writable() const noexcept override { return writable_; }
  bool can_flush() const noexcept override { return export_.can_flush || export_.can_fua; }
  bool can_discard() const noexcept override { return writable_ && export_.can_trim; }
  bool can_find_holes() const noexcept override { return export_.can_find_holes; }
  bool can_prefetch() const noexcept override { return export_.can_cache; }
  bool rotational() const noexcept override { return export_.rotational; }
  std::size_t preferred_request() const noexcept override { return preferred_request_; }
  std::size_t preferred_window() const noexcept override { return preferred_window_; }
  void read(std::span<std::byte> to, std::uint64_t offset) override;
  void read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                  const Arrived& arrived) override;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) override;
  /// On a server without flush it does nothing. When such a server has FUA every write is sent with
  /// it instead; without either `can_flush()` is false.
  void flush() override;
  std::uint64_t losses() const noexcept override { return link_.losses(); }
  std::uint64_t reconnects() const noexcept override { return link_.reconnects(); }
  void discard(std::uint64_t length, std::uint64_t offset) override;
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override;
  void prefetch(std::uint64_t length, std::uint64_t offset) override;
  void start() override { link_.start(); }
  void stop_waiting() override { link_.stop_waiting(); }

  /// Bytes, a power of two: offset and length of every request must be multiples of it.
  std::uint32_t block_size() const noexcept { return limits_.block_size; }

  /// How many connections it has been opened with.
  std::size_t connections() const noexcept { return connections_; }

 private:
  template <typename Send>
  void run(NbdLink::Use use, unsigned patience, bool sync, Send send);
  void send_writes(std::span<const std::byte> from, std::uint64_t offset, bool fua,
                   unsigned patience);

  NbdLink link_;
  NbdExport export_;  // as it was first
  NbdLimits limits_;
  std::size_t preferred_request_ = 0;
  std::size_t preferred_window_ = 0;
  std::size_t connections_ = 0;
  bool writable_ = false;
};

}  // namespace luksdetached
