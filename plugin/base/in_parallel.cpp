#include "base/in_parallel.h"

#include <exception>
#include <latch>
#include <thread>
#include <vector>

#include "base/move_off_this_cpu.h"
#include "base/signals.h"

namespace luksdetached {

void in_parallel(unsigned count, const std::function<void(unsigned)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  unsigned next = 1;
  std::latch all_moved(1);
  const auto part = [&](unsigned n) {
    all_moved.wait();
    work(n);
  };
  {
    const NoSignals no_signals;
    try {
      for (; next < count; ++next) {
        move_off_this_cpu(threads.emplace_back(part, next));
      }
    } catch (const std::exception&) {
      // The process may have no more threads, or memory for one.
    }
  }
  all_moved.count_down();
  if (count > 0) work(0);
  for (; next < count; ++next) work(next);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace luksdetached
