// Many derivations by PBKDF2 on all CPUs that there are.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "crypto/pbkdf2.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

/// Derives one key after the other, in the order of its inputs, as fast as with all CPUs at the
/// first that is not done; a CPU for which it has no block left works ahead at the next ones. What
/// was begun and is no longer wanted ends with the queue.
class Pbkdf2Queue {
 public:
  /// What the `inputs` refer to must stay until the queue goes. `threads`, 1 or more, are those
  /// that work, one of which is the caller's while it waits in `next`.
  Pbkdf2Queue(std::vector<Pbkdf2Input> inputs, unsigned threads);
  Pbkdf2Queue(const Pbkdf2Queue&) = delete;
  Pbkdf2Queue& operator=(const Pbkdf2Queue&) = delete;
  ~Pbkdf2Queue();

  /// The key of the first input, then of the second, and so on; at most as often as there are
  /// inputs. Throws Error(key_derivation) when there is no locked memory; then the next call is
  /// about the next input.
  SecureBuffer next();

 private:
  struct Block {
    bool taken = false;  // a thread is at it
    bool done = false;
  };
  // A derivation that was begun.
  struct Begun {
    std::unique_ptr<Pbkdf2Derivation> derivation;
    std::size_t key_bytes;
    std::vector<Block> blocks;

    bool done() const;
  };

  std::size_t share_of(const Begun& begun) const;
  void begin_one();
  bool begin_ahead();
  bool work(std::unique_lock<std::mutex>& lock);
  void help();

  std::vector<Pbkdf2Input> inputs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Begun> begun_;  // the first is the next to be taken
  std::size_t inputs_begun_ = 0;
  std::size_t ahead_;  // how many may be begun
  bool ending_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace luksdetached
