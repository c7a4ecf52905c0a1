// Random requests of several clients at once, checked against a model in memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace luksdetached::testing {

/// What a worker of the workload does its requests with: a volume, or a connection to an export.
class WorkloadClient {
 public:
  WorkloadClient() = default;
  WorkloadClient(const WorkloadClient&) = delete;
  WorkloadClient& operator=(const WorkloadClient&) = delete;
  virtual ~WorkloadClient() = default;

  virtual void read(std::span<std::byte> to, std::uint64_t offset) = 0;
  virtual void write(std::span<const std::byte> from, std::uint64_t offset, bool durable) = 0;
  virtual void zero(std::uint64_t length, std::uint64_t offset) = 0;
  virtual void trim(std::uint64_t length, std::uint64_t offset) = 0;
  virtual void flush() = 0;
};

/// Which bytes belong to whom.
///
/// Most of the space is in stripes of all lengths, each of which one worker alone reads and writes,
/// so that workers share sectors but no bytes. In between are contested sectors: their owner writes
/// them whole, everybody else a part in the middle. What the owner wrote around that part must
/// stay, which it does only when a read-modify-write excludes aligned writes.
class Workload {
 public:
  enum class Trims { no, yes };  ///< without them it is known at the end what every byte is

  Workload(std::uint64_t size, std::size_t sector_size, unsigned workers, Trims trims,
           std::uint64_t seed)
      : sector_size_(sector_size),
        trims_(trims == Trims::yes),
        seed_(seed),
        stripes_(workers),
        model_(size),
        known_(size, 1) {
    std::mt19937_64 random(seed);
    std::uint64_t at = 0;
    while (at < size) {
      const std::uint64_t next_sector = (at + sector_size - 1) / sector_size * sector_size;
      if (random() % 8 == 0 && next_sector + sector_size <= size) {
        if (next_sector != at) give(at, next_sector - at, random);
        contested_.push_back({next_sector, static_cast<unsigned>(random() % workers)});
        std::fill_n(&known_[next_sector + contested_begin], contested_part, char{0});
        at = next_sector + sector_size;
      } else {
        const std::uint64_t length = std::min(stripe_length(random), size - at);
        give(at, length, random);
        at += length;
      }
    }
  }

  /// What the export holds before anybody works.
  std::vector<std::byte>& model() { return model_; }

  /// One worker's part: `requests` at random; throws std::runtime_error at the first wrong byte.
  void work(WorkloadClient& client, unsigned worker, unsigned requests) {
    std::mt19937_64 random(seed_ + 1 + worker);
    for (unsigned i = 0; i < requests; ++i) {
      switch (random() % 16) {
        case 0:
          client.flush();
          break;
        case 1:
        case 2:
          contest(client, worker, random);
          break;
        default:
          use_stripe(client, worker, random);
      }
    }
  }

  /// When nobody works any more: the whole export against the model.
  void check(WorkloadClient& client) const {
    std::vector<std::byte> found(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < model_.size(); at += found.size()) {
      found.resize(std::min<std::size_t>(found.size(), model_.size() - at));
      client.read(found, at);
      compare(found, at, "at the end");
    }
  }

 private:
  struct Stripe {
    std::uint64_t offset, length;
  };
  struct Contested {
    std::uint64_t offset;
    unsigned owner;
  };
  using Random = std::mt19937_64;

  static std::uint64_t stripe_length(Random& random) {
    constexpr std::uint64_t longest[] = {40, 600, 5'000, 20'000, 300'000};
    return 1 + random() % longest[random() % std::size(longest)];
  }

  void give(std::uint64_t offset, std::uint64_t length, Random& random) {
    stripes_[random() % stripes_.size()].push_back({offset, length});
  }

  void use_stripe(WorkloadClient& client, unsigned worker, Random& random) {
    const auto& mine = stripes_[worker];
    const Stripe& stripe = mine[random() % mine.size()];
    std::uint64_t offset = stripe.offset + random() % stripe.length;
    const std::uint64_t left = stripe.offset + stripe.length - offset;
    // Small requests are the interesting ones; large ones cross pieces.
    const std::uint64_t most = random() % 8 == 0 ? 100'000 : 2 * sector_size_;
    std::uint64_t length = std::min(left, 1 + random() % most);
    if (random() % 2 == 0) align(offset, length);
    const auto model = std::span(model_).subspan(offset, length);
    const auto known = std::span(known_).subspan(offset, length);
    switch (random() % (trims_ ? 9 : 8)) {
      case 0:
      case 1:
      case 2: {
        std::vector<std::byte> found(length);
        client.read(found, offset);
        compare(found, offset, "worker " + std::to_string(worker));
        break;
      }
      case 3:
        client.zero(length, offset);
        std::fill(model.begin(), model.end(), std::byte{0});
        std::fill(known.begin(), known.end(), char{1});
        break;
      case 8: {
        client.trim(length, offset);
        // Whole sectors may be anything now; the rest must still be there.
        align(offset, length);
        if (length % sector_size_ == 0 && offset % sector_size_ == 0) {
          std::fill_n(known_.begin() + static_cast<std::ptrdiff_t>(offset), length, char{0});
        }
        break;
      }
      default: {
        std::uint64_t state = random();
        for (std::byte& byte : model) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          byte = static_cast<std::byte>(state >> 56);
        }
        client.write(model, offset, random() % 32 == 0);
        std::fill(known.begin(), known.end(), char{1});
      }
    }
  }

  // Shrinks a range to the whole sectors in it, if there are any.
  void align(std::uint64_t& offset, std::uint64_t& length) const {
    const std::uint64_t begin = (offset + sector_size_ - 1) / sector_size_ * sector_size_;
    const std::uint64_t end = (offset + length) / sector_size_ * sector_size_;
    if (begin >= end) return;
    offset = begin;
    length = end - begin;
  }

  void contest(WorkloadClient& client, unsigned worker, Random& random) {
    const Contested& sector = contested_[random() % contested_.size()];
    const auto value = static_cast<std::byte>(random());
    if (sector.owner != worker) {
      const std::vector<std::byte> part(contested_part, value);
      client.write(part, sector.offset + contested_begin, false);
      return;
    }
    std::vector<std::byte> found(sector_size_);
    client.read(found, sector.offset);
    compare_around(found, sector.offset);
    const std::vector<std::byte> whole(sector_size_, value);
    client.write(whole, sector.offset, false);
    std::copy(whole.begin(), whole.end(),
              model_.begin() + static_cast<std::ptrdiff_t>(sector.offset));
    client.read(found, sector.offset);
    compare_around(found, sector.offset);
  }

  void compare_around(std::span<const std::byte> found, std::uint64_t offset) const {
    compare(found.first(contested_begin), offset, "contested");
    const std::size_t behind = contested_begin + contested_part;
    compare(found.subspan(behind), offset + behind, "contested");
  }

  void compare(std::span<const std::byte> found, std::uint64_t offset,
               const std::string& who) const {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (known_[offset + i] == 0 || found[i] == model_[offset + i]) continue;
      throw std::runtime_error(who + ": wrong byte at " + std::to_string(offset + i) + " of seed " +
                               std::to_string(seed_));
    }
  }

  static constexpr std::size_t contested_begin = 100;
  static constexpr std::size_t contested_part = 300;

  std::size_t sector_size_;
  bool trims_;
  std::uint64_t seed_;
  std::vector<std::vector<Stripe>> stripes_;  // of each worker
  std::vector<Contested> contested_;
  std::vector<std::byte> model_;
  std::vector<char> known_;  // 0: the byte may be anything
};

/// Runs all workers, each with the client of its number; throws the first one's complaint.
template <typename ClientOf>
void run_workers(Workload& workload, unsigned workers, unsigned requests, ClientOf client_of) {
  std::vector<std::string> complaints(workers);
  std::vector<std::thread> threads;
  for (unsigned worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      try {
        workload.work(client_of(worker), worker, requests);
      } catch (const std::exception& error) {
        complaints[worker] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& complaint : complaints) {
    if (!complaint.empty()) throw std::runtime_error(complaint);
  }
}

}  // namespace luksdetached::testing
