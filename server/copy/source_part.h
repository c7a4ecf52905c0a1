// Some of the bytes of a Source as a Source.
#pragma once

#include <cstdint>
#include <string>

#include "source/source.h"

namespace luksdetached::copy {

/// `size` bytes from `offset` on, which must lie within `whole`; that must outlive this.
class SourcePart final : public Source {
 public:
  SourcePart(Source& whole, std::uint64_t offset, std::uint64_t size)
      : whole_(whole), offset_(offset), size_(size) {}

  const std::string& name() const noexcept override { return whole_.name(); }
  std::uint64_t size() const noexcept override { return size_; }
  bool writable() const noexcept override { return whole_.writable(); }
  bool can_flush() const noexcept override { return whole_.can_flush(); }
  bool can_find_holes() const noexcept override { return whole_.can_find_holes(); }
  std::size_t preferred_request() const noexcept override { return whole_.preferred_request(); }
  void read(std::span<std::byte> to, std::uint64_t offset) override {
    whole_.read(to, offset_ + offset);
  }
  void write(std::span<const std::byte> from, std::uint64_t offset,
             Durability durability) override {
    whole_.write(from, offset_ + offset, durability);
  }
  void flush() override { whole_.flush(); }
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override {
    return whole_.extents(length, offset_ + offset, most);
  }

 private:
  Source& whole_;
  std::uint64_t offset_;  // bytes
  std::uint64_t size_;
};

}  // namespace luksdetached::copy
