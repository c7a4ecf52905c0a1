#include "crypto/pbkdf2_queue.h"

#include <algorithm>
#include <exception>
#include <span>

#include "base/move_off_this_cpu.h"
#include "base/signals.h"

namespace luksdetached {

namespace {

// After so many iterations, a millisecond or so, a thread looks whether there is something better
// to do.
constexpr std::uint32_t slice = 10'000;

// Each has a page or two of locked memory, of which there may be little: work ahead leaves as much
// as whoever takes the keys may need.
constexpr std::size_t most_begun = 16;
constexpr std::size_t left_to_others = std::size_t{64} << 10;

}  // namespace

bool Pbkdf2Queue::Begun::done() const {
  return std::ranges::all_of(blocks, &Block::done);
}

Pbkdf2Queue::Pbkdf2Queue(std::vector<Pbkdf2Input> inputs, unsigned threads)
    : inputs_(std::move(inputs)), ahead_(std::min<std::size_t>(threads, most_begun)) {
  std::size_t blocks = 0;
  for (const Pbkdf2Input& input : inputs_) blocks += pbkdf2_blocks(input);
  const std::size_t helpers = std::min<std::size_t>(threads, blocks);
  helpers_.reserve(helpers);
  const NoSignals no_signals;
  const std::lock_guard lock(mutex_);  // they wait until all are there, and moved
  try {
    for (std::size_t n = 1; n < helpers; ++n) {
      move_off_this_cpu(helpers_.emplace_back(&Pbkdf2Queue::help, this));
    }
  } catch (const std::exception&) {
    // The process may have no more threads: those that there are do it.
  }
}

Pbkdf2Queue::~Pbkdf2Queue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

SecureBuffer Pbkdf2Queue::next() {
  std::unique_lock lock(mutex_);
  if (begun_.empty()) {
    try {
      begin_one();
    } catch (...) {
      ++inputs_begun_;
      throw;
    }
  }
  while (!begun_.front().done()) {
    if (!work(lock)) changed_.wait(lock);
  }
  const Begun first = std::move(begun_.front());
  begun_.pop_front();
  changed_.notify_all();
  lock.unlock();
  SecureBuffer key(first.key_bytes);
  first.derivation->take(key.span());
  return key;
}

void Pbkdf2Queue::begin_one() {
  const Pbkdf2Input& input = inputs_[inputs_begun_];
  begun_.push_back(
      {begin_pbkdf2(input), input.key_bytes, std::vector<Block>(pbkdf2_blocks(input))});
  ++inputs_begun_;
}

// How many blocks a thread takes: its share of them, or as many as it can do at once if others have
// another derivation to work at.
std::size_t Pbkdf2Queue::share_of(const Begun& begun) const {
  const std::size_t threads = helpers_.size() + 1;
  const std::size_t share = (begun.blocks.size() + threads - 1) / threads;
  const bool is_only_one = begun_.size() == 1 && inputs_begun_ == inputs_.size();
  return is_only_one ? share : std::max(share, begun.derivation->at_once());
}

// Goes on for a while with the first block that nobody is at, and with some next to it. Returns
// false when there is none.
bool Pbkdf2Queue::work(std::unique_lock<std::mutex>& lock) {
  for (std::size_t n = 0;; ++n) {
    if (n == begun_.size() && !begin_ahead()) return false;
    Begun& begun = begun_[n];
    const auto is_free = [](const Block& block) { return !block.taken && !block.done; };
    const auto first = std::ranges::find_if(begun.blocks, is_free);
    if (first == begun.blocks.end()) continue;
    const auto first_number = static_cast<std::size_t>(first - begun.blocks.begin());
    std::span<Block> blocks = std::span(begun.blocks).subspan(first_number);
    blocks = blocks.first(std::min(share_of(begun), blocks.size()));
    const auto others = std::ranges::find_if_not(blocks, is_free);
    blocks = blocks.first(static_cast<std::size_t>(others - blocks.begin()));

    for (Block& block : blocks) block.taken = true;
    lock.unlock();
    const bool done = begun.derivation->advance(first_number, blocks.size(), slice);
    lock.lock();
    for (Block& block : blocks) block = {.taken = false, .done = done};
    changed_.notify_all();
    return true;
  }
}

// Begins another one if that keeps nobody from his turn.
bool Pbkdf2Queue::begin_ahead() {
  if (begun_.size() >= ahead_ || inputs_begun_ == inputs_.size()) return false;
  try {
    if (lock_allowance() < left_to_others) return false;
    begin_one();
    return true;
  } catch (const std::exception&) {
    ahead_ = 1;  // who needs it is told why it cannot be had
    return false;
  }
}

void Pbkdf2Queue::help() {
  const StackWiper<16> stack_wiper;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (!work(lock)) changed_.wait(lock);
  }
}

}  // namespace luksdetached
