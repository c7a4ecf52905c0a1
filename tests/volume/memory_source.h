// A Source in memory that remembers what was asked of it and fails or waits when told to.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../source/testing.h"
#include "source/source.h"

namespace luksdetached::testing {

class MemorySource : public Source {
 public:
  enum class Kind { read, write, flush, discard, extents, prefetch };
  struct Call {
    Kind kind;
    std::uint64_t offset;
    std::size_t length;
    Durability durability = Durability::cached;
    bool operator==(const Call&) const = default;
  };
  using Hook = std::function<void(const Call&)>;

  /// Holds `bytes`. They may be a part of something larger, beginning at `origin`; nothing else may
  /// be touched then.
  explicit MemorySource(Bytes bytes, std::uint64_t origin = 0)
      : bytes_(std::move(bytes)), origin_(origin) {}

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return origin_ + bytes_.size(); }
  bool writable() const noexcept override { return is_writable; }
  std::size_t preferred_request() const noexcept override { return std::size_t{64} << 10; }

  void read(std::span<std::byte> to, std::uint64_t offset) override {
    remember({Kind::read, offset, to.size(), Durability::cached});
    const std::lock_guard lock(mutex_);
    const auto from = place(offset, to.size());
    std::copy(from.begin(), from.end(), to.begin());
  }

  std::size_t preferred_window() const noexcept override { return std::size_t{256} << 10; }

  /// Writes the first half, lets `half_way` run, and writes the second half.
  void write(std::span<const std::byte> from, std::uint64_t offset,
             Durability durability) override {
    const Call call{Kind::write, offset, from.size(), durability};
    remember(call);
    const std::size_t half = from.size() / 2;
    copy_in(from.first(half), offset);
    if (half_way) half_way(call);
    copy_in(from.subspan(half), offset + half);
  }

  std::uint64_t losses() const noexcept override { return losses_so_far; }

  void flush() override { remember({Kind::flush, 0, 0, Durability::cached}); }

  bool can_discard() const noexcept override { return is_writable; }
  bool can_find_holes() const noexcept override { return true; }
  bool can_prefetch() const noexcept override { return true; }
  std::uint64_t current_size() override { return size_now.value_or(size()); }

  void discard(std::uint64_t length, std::uint64_t offset) override {
    remember({Kind::discard, offset, length});
    const std::lock_guard lock(mutex_);
    const auto gone = place(offset, length);
    std::fill(gone.begin(), gone.end(), std::byte{0});
  }
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override {
    remember({Kind::extents, offset, length});
    if (holes_wanted) holes_wanted(most);
    return holes ? holes(length, offset) : Source::extents(length, offset, most);
  }
  void prefetch(std::uint64_t length, std::uint64_t offset) override {
    remember({Kind::prefetch, offset, length});
  }

  void start() override { ++starts; }

  Bytes bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }
  /// What was asked for since the last time.
  std::vector<Call> take_calls() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }

  Hook before;    ///< runs before every call; what it throws is the call's error
  Hook half_way;  ///< runs within every write
  std::function<std::vector<Extent>(std::uint64_t length, std::uint64_t offset)> holes;
  std::function<void(std::size_t most)> holes_wanted;
  std::optional<std::uint64_t> size_now;  ///< when it is not what it was
  bool is_writable = true;
  std::uint64_t losses_so_far = 0;
  int starts = 0;

 private:
  void remember(const Call& call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
    }
    if (before) before(call);
  }

  void copy_in(std::span<const std::byte> from, std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    std::copy(from.begin(), from.end(), place(offset, from.size()).begin());
  }

  std::span<std::byte> place(std::uint64_t offset, std::size_t length) {
    if (offset < origin_ || offset - origin_ > bytes_.size() ||
        length > bytes_.size() - (offset - origin_)) {
      throw std::logic_error("outside of the source: " + std::to_string(length) + " bytes at " +
                             std::to_string(offset));
    }
    return std::span(bytes_).subspan(offset - origin_, length);
  }

  std::string name_ = "memory";
  mutable std::mutex mutex_;
  Bytes bytes_;
  std::uint64_t origin_;
  std::vector<Call> calls_;
};

}  // namespace luksdetached::testing
