// A Source on a regular file or a block device of this machine.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/file_descriptor.h"
#include "source/source.h"

struct stat;

namespace luksdetached {

/// Bytes of a regular file or a block device. Owns the descriptor (close-on-exec) and, when it is
/// writable, the lock against a second writer; both survive a fork.
class FileSource final : public Source {
 public:
  /// `lock` keeps other writers out of a writable source: with an OFD write lock over a whole
  /// regular file, with O_EXCL on a block device (which also finds mounts and device-mapper).
  ///
  /// Throws Error(source_unreachable) when it cannot be opened or is neither a regular file nor a
  /// block device, Error(payload_in_use) when another process holds it, Error(policy) when the file
  /// system has no locks. Never blocks on a FIFO.
  FileSource(const std::string& path, Access access, bool lock);

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return size_; }
  std::uint64_t current_size() override;
  bool writable() const noexcept override { return writable_; }
  bool can_discard() const noexcept override { return writable_; }
  bool can_find_holes() const noexcept override { return !block_device_; }
  bool can_prefetch() const noexcept override { return true; }
  bool rotational() const noexcept override { return rotational_; }
  std::size_t preferred_request() const noexcept override { return std::size_t{256} << 10; }
  void read(std::span<std::byte> to, std::uint64_t offset) override;
  /// Does not make a file longer: bytes that a file has lost since it was opened cannot be written.
  /// Of a file that becomes shorter while it is written that is noticed within 10 ms, and at once
  /// in the last MiB.
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability durability) override;
  void flush() override;
  void discard(std::uint64_t length, std::uint64_t offset) override;
  std::vector<Extent> extents(std::uint64_t length, std::uint64_t offset,
                              std::size_t most) override;
  void prefetch(std::uint64_t length, std::uint64_t offset) override;

 private:
  void open(Access access, bool lock);
  void lock_file(const struct stat& file) const;
  bool find_size(std::uint64_t& bytes) const noexcept;
  ssize_t write_once(std::span<const std::byte> from, std::uint64_t offset, int flags);
  void require_bytes(const char* action, std::uint64_t length, std::uint64_t offset);
  [[noreturn]] void fail_short(const char* action, std::uint64_t length,
                               std::uint64_t offset) const;
  [[noreturn]] void fail_io(const char* action, std::uint64_t length, std::uint64_t offset,
                            int code) const;

  std::string path_;
  std::string name_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
  std::atomic<std::chrono::nanoseconds> looked_at_{};  // at the size of the file,
  std::atomic<std::uint64_t> seen_size_ = 0;           // which then was this
  std::uint64_t discard_unit_ = 1;                     // bytes
  bool block_device_ = false;
  bool writable_ = false;
  bool rotational_ = false;
};

}  // namespace luksdetached
