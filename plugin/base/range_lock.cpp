#include "base/range_lock.h"

#include <bit>
#include <cstdlib>

namespace luksdetached {

namespace {

constexpr unsigned region_shift = 20;  // 1 MiB

// Lock calls fail only when the lock itself is misused; going on would risk data.
void must(int result) {
  if (result != 0) std::abort();
}

// The stripes that [begin, end) touches, one bit each.
std::uint64_t stripes_of(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return 0;
  const std::uint64_t first = begin >> region_shift;
  const std::uint64_t last = (end - 1) >> region_shift;
  const std::uint64_t count = last - first + 1;
  if (count >= 64) return ~std::uint64_t{0};
  const std::uint64_t ones = (std::uint64_t{1} << count) - 1;
  return std::rotl(ones, static_cast<int>(first % 64));
}

}  // namespace

RangeLock::RangeLock() {
  pthread_rwlockattr_t attributes;
  must(pthread_rwlockattr_init(&attributes));
  must(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
  for (Stripe& stripe : stripes_) must(pthread_rwlock_init(&stripe.rwlock, &attributes));
  must(pthread_rwlockattr_destroy(&attributes));
}

RangeLock::~RangeLock() {
  for (Stripe& stripe : stripes_) pthread_rwlock_destroy(&stripe.rwlock);
}

RangeLock::Guard::Guard(RangeLock& lock, std::uint64_t begin, std::uint64_t end, Mode mode)
    : lock_(lock), stripes_(stripes_of(begin, end)) {
  // Always in the order of the stripes, so that two holders cannot wait for each other.
  for (std::uint64_t left = stripes_; left != 0; left &= left - 1) {
    pthread_rwlock_t* rwlock =
        &lock_.stripes_[static_cast<unsigned>(std::countr_zero(left))].rwlock;
    must(mode == Mode::exclusive ? pthread_rwlock_wrlock(rwlock) : pthread_rwlock_rdlock(rwlock));
  }
}

RangeLock::Guard::~Guard() {
  for (std::uint64_t left = stripes_; left != 0; left &= left - 1) {
    must(pthread_rwlock_unlock(
        &lock_.stripes_[static_cast<unsigned>(std::countr_zero(left))].rwlock));
  }
}

}  // namespace luksdetached
