#include "base/in_parallel.h"

#include <system_error>
#include <thread>
#include <vector>

#include "base/signals.h"

namespace luksdetached {

void in_parallel(unsigned count, const std::function<void(unsigned)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  unsigned next = 1;
  {
    const NoSignals no_signals;
    try {
      for (; next < count; ++next) threads.emplace_back(std::cref(work), next);
    } catch (const std::system_error&) {
      // The process may have no more threads.
    }
  }
  if (count > 0) work(0);
  for (; next < count; ++next) work(next);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace luksdetached
