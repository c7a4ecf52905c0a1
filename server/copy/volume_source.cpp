#include "volume_source.h"

#include <utility>

#include "pieces.h"

namespace luksdetached::copy {

VolumeSource::VolumeSource(std::unique_ptr<Volume> volume, std::string name)
    : volume_(std::move(volume)), name_(std::move(name)), witness_(volume_->sync_failures()) {}

std::size_t VolumeSource::preferred_request() const noexcept {
  return piece_bytes;
}

void VolumeSource::read(std::span<std::byte> to, std::uint64_t offset) {
  volume_->read(to, offset);
}

void VolumeSource::write(std::span<const std::byte> from, std::uint64_t offset,
                         Durability durability) {
  volume_->write(from, offset, durability, witness_);
}

void VolumeSource::flush() {
  volume_->flush(witness_);
}

}  // namespace luksdetached::copy
