// The plain bytes of a volume as a Source: what copies need not know which end is encrypted.
#pragma once

#include <memory>
#include <string>

#include "source/source.h"
#include "volume/volume.h"

namespace luksdetached::copy {

class VolumeSource final : public Source {
 public:
  /// `name` is for messages.
  VolumeSource(std::unique_ptr<Volume> volume, std::string name);

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return volume_->size(); }
  bool writable() const noexcept override { return volume_->writable(); }
  bool can_flush() const noexcept override { return volume_->can_flush(); }
  std::size_t preferred_request() const noexcept override;
  void read(std::span<std::byte> to, std::uint64_t offset) override;
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) override;
  void flush() override;
  void start() override { volume_->start(); }

 private:
  std::unique_ptr<Volume> volume_;
  std::string name_;
  SyncFailures::Witness witness_;
};

}  // namespace luksdetached::copy
