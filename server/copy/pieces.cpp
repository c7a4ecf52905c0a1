#include "pieces.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/signals.h"

namespace luksdetached::copy {

namespace {

// Some wait for storage while others encrypt.
unsigned thread_count(std::uint64_t pieces) {
  const unsigned wanted = std::clamp(2 * std::thread::hardware_concurrency(), 4U, 16U);
  return static_cast<unsigned>(std::min<std::uint64_t>(wanted, pieces));
}

class Workers {
 public:
  Workers(std::uint64_t begin, std::uint64_t end, const std::function<void(std::uint64_t)>& work)
      : next_(begin), end_(end), work_(work) {
    const NoSignals no_signals;  // they are for the calling thread
    const unsigned count = thread_count(end - begin);
    running_ = count;  // of threads that may be over before the next one begins
    try {
      for (unsigned n = 0; n < count; ++n) threads_.emplace_back([this] { run(); });
    } catch (...) {
      stopped_ = true;
      throw;
    }
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stopped_ = true; }  // then the threads are joined

  // True when all of them are done.
  bool wait() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::milliseconds(200), [this] { return running_ == 0; });
  }

  // Only when all of them are done.
  void check() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void run() {
    std::exception_ptr error;
    try {
      while (!stopped_) {
        const std::uint64_t number = next_++;
        if (number >= end_) break;
        work_(number);
      }
    } catch (...) {
      error = std::current_exception();
      stopped_ = true;
    }
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = error;
    --running_;
    ended_.notify_all();
  }

  std::atomic<std::uint64_t> next_;
  std::uint64_t end_;
  const std::function<void(std::uint64_t)>& work_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  unsigned running_ = 0;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace

std::uint64_t count_pieces(std::uint64_t bytes) noexcept {
  return bytes / piece_bytes + (bytes % piece_bytes != 0 ? 1 : 0);
}

Piece piece_of(std::uint64_t bytes, std::uint64_t number) noexcept {
  const std::uint64_t offset = number * piece_bytes;
  return {number, offset, std::min<std::uint64_t>(piece_bytes, bytes - offset)};
}

void for_each_piece(std::uint64_t begin, std::uint64_t end,
                    const std::function<void(std::uint64_t)>& work,
                    const std::function<void()>& meanwhile) {
  if (begin >= end) return;
  Workers workers(begin, end, work);
  while (!workers.wait()) meanwhile();
  workers.check();
  meanwhile();
}

}  // namespace luksdetached::copy
