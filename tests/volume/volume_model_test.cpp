// Many threads on one volume against a model in memory.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "../base/testing.h"
#include "../tools/model_workload.h"
#include "crypto/sector_cipher.h"
#include "volume/volume.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::Workload;

// Memory without a lock: what the volume lets happen at once, happens at once. ThreadSanitizer sees
// whether accesses to one byte were kept apart.
class BareMemory final : public Source {
 public:
  explicit BareMemory(Bytes bytes) : bytes_(std::move(bytes)) {}

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  bool writable() const noexcept override { return true; }
  bool can_discard() const noexcept override { return true; }
  std::size_t preferred_request() const noexcept override { return std::size_t{64} << 10; }
  void read(std::span<std::byte> to, std::uint64_t offset) override {
    std::memcpy(to.data(), &bytes_.at(offset), to.size());
  }
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability) override {
    std::memcpy(&bytes_.at(offset), from.data(), from.size());
  }
  void flush() override {}
  void discard(std::uint64_t length, std::uint64_t offset) override {
    std::memset(&bytes_.at(offset), 0, length);
  }

 private:
  std::string name_ = "memory";
  Bytes bytes_;
};

class VolumeClient final : public testing::WorkloadClient {
 public:
  explicit VolumeClient(Volume& volume) : volume_(volume), syncs_(volume.sync_failures()) {}
  void read(std::span<std::byte> to, std::uint64_t offset) override { volume_.read(to, offset); }
  void write(std::span<const std::byte> from, std::uint64_t offset, bool durable) override {
    volume_.write(from, offset, durable ? Durability::durable : Durability::cached, syncs_);
  }
  void zero(std::uint64_t length, std::uint64_t offset) override {
    volume_.zero(length, offset, Durability::cached, syncs_, [] {});
  }
  void trim(std::uint64_t length, std::uint64_t offset) override {
    volume_.discard(length, offset, Durability::cached, syncs_, [] {});
  }
  void flush() override { volume_.flush(syncs_); }

 private:
  Volume& volume_;
  SyncFailures::Witness syncs_;
};

class VolumeModelTest : public ::testing::TestWithParam<std::size_t> {};

// A million requests for each sector size, but for the builds that are ten times as slow.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr unsigned requests = 25'000;
#else
constexpr unsigned requests = 250'000;
#endif

TEST_P(VolumeModelTest, NoThreadsRequestHarmsAnothers) {
  constexpr unsigned workers = 4;
  constexpr std::size_t area_offset = 32'768;
  constexpr std::size_t size = std::size_t{4} << 20;
  const std::size_t sector_size = GetParam();
  Workload workload(size, sector_size, workers, Workload::Trims::yes,
                    static_cast<std::uint64_t>(::getpid()));
  const auto cipher = [&] {
    return make_sector_cipher({"aes", "xts", "plain64", ""}, testing::pattern(64), sector_size);
  };
  Bytes payload(area_offset + size);
  cipher()->encrypt(workload.model(), std::span(payload).subspan(area_offset), 0);
  RangeLock lock;
  Volume volume(std::make_unique<BareMemory>(std::move(payload)), cipher(),
                {area_offset, size, sector_size}, lock, Volume::Holes::shown);
  std::vector<std::unique_ptr<VolumeClient>> clients;
  for (unsigned i = 0; i < workers; ++i) clients.push_back(std::make_unique<VolumeClient>(volume));

  EXPECT_NO_THROW(run_workers(workload, workers, requests,
                              [&](unsigned worker) -> VolumeClient& { return *clients[worker]; }));
  EXPECT_NO_THROW(workload.check(*clients[0]));
}

INSTANTIATE_TEST_SUITE_P(Sectors, VolumeModelTest, ::testing::Values(512, 4096));

}  // namespace
}  // namespace luksdetached
